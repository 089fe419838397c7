/*
 * Selects over two homes: which of their cases happens, and that one does.
 *
 * Modelled. Two channels, each with a home of its own, and 2 to 4 selects, each with one case on either channel:
 *   select 0: send | receive    select 1: receive | send    select 2: receive | receive    select 3: send | send
 * A select tells both homes of its cases. A home that has a sender and a receiver of two selects claims both, the one with the lower id
 * first. A select that is open grants a claim and is bound until it hears commit or abort; the second claim of a match is final: whoever
 * grants it is done. A bound select lets further claims wait; one that is done denies them, and the home forgets its case.
 * (The protocol spares the claim of receive cases, which decline instead; that is not modelled here.)
 *
 * Laws. A select does one case at most (done); commit and abort come only to a bound one (bound); both partners name each other, nobody
 * stays bound, and no two selects that could meet are left over when the network is quiet (init, at timeout); and that always comes:
 * pan -l -f, of a pan that is compiled with -DNP, looks for a run that goes on for ever.
 *
 * Parameters: SELECTS.
 *
 * Planted bugs, each of which has to be found:
 *   ROLE_ORDER  the sender is claimed first, whatever its id: two homes wait for each other for ever
 *   REFUSE      a bound select denies instead of letting wait: two homes bind and abort for ever (a run without end, not a wrong state)
 *
 * Measured: SELECTS=2 474 states, 3 15,067 (30,133 for runs without end), 4 752,214.
 */
#ifndef SELECTS
#define SELECTS 3
#endif
#define HOMES 2

mtype = { OPEN, BOUND, DONE };
mtype = { GRANT, DENY, COMMIT, ABORT };
mtype = { SENDS, RECEIVES };

#define case(p, c) cases[(p) * HOMES + (c)]
mtype cases[SELECTS * HOMES];
#define meet(p, q, c) (p != q && case(p, c) == SENDS && case(q, c) == RECEIVES)

chan offered[HOMES] = [SELECTS] of { byte };   /* to a home: a select has a case there */
chan claims[SELECTS] = [HOMES] of { byte, bool }; /* to a select: by this home; is it the second one of the match? */
chan replies[HOMES] = [2] of { mtype, byte };  /* to a home: the answer, of this select */
chan verdicts[SELECTS] = [2] of { mtype };     /* to a select that is bound */

mtype state[SELECTS];
byte happened[SELECTS];                        /* cases */
byte partner[SELECTS];                         /* its id + 1 */

inline finish(me) {
  state[me] = DONE;
  happened[me]++;
  assert(happened[me] == 1)
}

proctype Select(byte me) {
  byte home = 0;
  bool second;
  do
  :: home < HOMES -> offered[home]!me; home++
  :: else -> break
  od;
end:
  do
  :: atomic { state[me] != BOUND && nempty(claims[me]) -> claims[me]?home, second;
       if
       :: state[me] == DONE -> replies[home]!DENY, me
       :: state[me] == OPEN && second -> finish(me); replies[home]!GRANT, me
       :: state[me] == OPEN && !second -> state[me] = BOUND; replies[home]!GRANT, me
       fi }
#ifdef REFUSE
  :: atomic { state[me] == BOUND && nempty(claims[me]) -> claims[me]?home, second; replies[home]!DENY, me }
#endif
  :: atomic { verdicts[me]?COMMIT -> assert(state[me] == BOUND); finish(me) }
  :: atomic { verdicts[me]?ABORT -> assert(state[me] == BOUND); state[me] = OPEN }
  od
}

#define MATCH(p, q) \
  :: atomic { here[p] && here[q] && meet(p, q, me) -> sender = p; receiver = q; goto claim }

inline denied(who) {
#ifndef REFUSE
  here[who] = false
#else
  skip /* it may only have been bound */
#endif
}

proctype Home(byte me) {
  bool here[SELECTS];
  byte sender, receiver, one, other, who;
match:
end:
  do
  :: atomic { offered[me]?who -> here[who] = true }
  MATCH(0, 1)
  MATCH(1, 0)
#if SELECTS > 2
  MATCH(0, 2)
  MATCH(2, 0)
  MATCH(1, 2)
  MATCH(2, 1)
#endif
#if SELECTS > 3
  MATCH(0, 3)
  MATCH(3, 0)
  MATCH(1, 3)
  MATCH(3, 1)
  MATCH(2, 3)
  MATCH(3, 2)
#endif
  od;

claim:
  atomic {
#ifdef ROLE_ORDER
    one = sender; other = receiver;
#else
    one = (sender < receiver -> sender : receiver);
    other = (sender < receiver -> receiver : sender);
#endif
    claims[one]!me, false
  }
  do
  :: atomic { offered[me]?who -> here[who] = true }
  :: atomic { replies[me]?DENY, who -> denied(who); goto match }
  :: atomic { replies[me]?GRANT, who -> claims[other]!me, true; break }
  od;
  do
  :: atomic { offered[me]?who -> here[who] = true }
  :: atomic { replies[me]?DENY, who -> denied(who); verdicts[one]!ABORT; goto match }
  :: atomic { replies[me]?GRANT, who -> verdicts[one]!COMMIT; here[one] = false; here[other] = false;
       partner[one] = other + 1; partner[other] = one + 1; goto match }
  od
}

init {
  byte p = 0, q, c;
  atomic {
    case(0, 0) = SENDS; case(0, 1) = RECEIVES;
    case(1, 0) = RECEIVES; case(1, 1) = SENDS;
#if SELECTS > 2
    case(2, 0) = RECEIVES; case(2, 1) = RECEIVES;
#endif
#if SELECTS > 3
    case(3, 0) = SENDS; case(3, 1) = SENDS;
#endif
    run Home(0);
    run Home(1);
    do
    :: p < SELECTS -> state[p] = OPEN; run Select(p); p++
    :: else -> break
    od
  }
  timeout ->
  d_step {
    p = 0;
    do
    :: p < SELECTS ->
       assert(state[p] != BOUND);
       assert(state[p] != DONE || (partner[p] > 0 && partner[partner[p] - 1] == p + 1));
       q = 0;
       do
       :: q < SELECTS ->
          c = 0;
          do
          :: c < HOMES -> assert(!(state[p] == OPEN && state[q] == OPEN && meet(p, q, c))); c++
          :: else -> break
          od;
          q++
       :: else -> break
       od;
       p++
    :: else -> break
    od
  }
}
