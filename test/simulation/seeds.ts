/** Seeds that once found a bug, with what it was. They run first, for ever. */
export const seedsOfMendedBugs: readonly number[] = [
  45, // a value passed one that was announced before it and was still being fetched
  67, // an end that was sent again while its release was on the way began anew on one side only
  84, // an end that came home through a third process was counted as if it had been brought by that session
  103, // the same, seen as a release of more references than there are
  146, // a select was claimed for a waiter that another value had just gone to: both began anew for ever
  209, // a closed channel in place of one that was gone was found again under an id that had been released
  317, // a case whose channel closed failed its select though another case had been granted
  319, // fulfilling one case of a select let the next value into the room it had taken
  416, // a select's own value, offered back to it, held up what it was waiting for
  2976, // a claim that had to wait was granted after its case was gone, and the select never opened again
  3685, // a trySelect that lost its session did not say whether its value may have arrived
  5285, // a trySelect on an end whose session was lost was told "done"
];
