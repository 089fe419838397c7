/** Seeds that once found a bug, with what it was. They run first, for ever. */
export const seedsOfMendedBugs: readonly number[] = [
  6024, // a value that found room while those who wait were being served overtook the ones in the buffer
  11871, // a relay that put an offer off while there was no link did not ask again when there was one, and no room
  10693, // a select whose value was in doubt, and to be offered again, went on to fail for another reason
];
