/** Seeds that once found a bug, with what it was. They run first, for ever. */
export const seedsOfMendedBugs: readonly number[] = [
  6024, // a value that found room while those who wait were being served overtook the ones in the buffer
  11871, // a relay that put an offer off while there was no link did not ask again when there was one, and no room
  10693, // a select whose value was in doubt, and to be offered again, went on to fail for another reason
  143939, // of several values that were declined together the first freed its select, which took a younger one than was about to come back
  503433, // a select that had a value let another receive settle first, with the next value
  828607, // a grant was given back twice when the value had been offered meanwhile, and the second time told of a claim that was new
  898275, // a select that was passed over while the session was full was given the next value before those it had left
];
