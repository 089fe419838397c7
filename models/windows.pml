/*
 * Credit windows over links that are cut, and the session's own window: who may end a session while its dialer comes back.
 *
 * Modelled. A dialer sends values of different sizes to a home at the listener. It may send while the bytes it has posted since the
 * session began stay within the total it was granted. The home grants freed + WINDOW, an absolute number, as a numbered frame. Values
 * and grants are kept in bounded replay buffers, acknowledged cumulatively and replayed after a resume. The window does not rely on the
 * removal of duplicates: every grant that arrives is heard, replayed ones too, and one that is not higher says nothing new.
 * Values are taken by the home's application in its own time. (Operations are bytes of size 1.)
 * One link at a time; a cut loses what is in flight, and each side notices in its own time. The number in a resume may be out of date,
 * because an old link may go on delivering while it is under way (resume.pml): each one from the acknowledged to the present is tried. While it has no link the listener's timer
 * may fire at any moment; a resume whose token is right stops it, is checked (authenticate) for as long as that takes, and then attaches
 * or is refused for good. The dialer tries until it is answered.
 *
 * Laws. Never more arrives than was granted, and never more than WINDOW waits at the home (ARRIVE); what was posted never passes what
 * the dialer knows to be granted (HEAR); no number is skipped (GAP). The session ends only while it has no link and nobody at the door
 * (EXPIRE); nothing attaches to a session that has ended (ATTACH); a resume that came before the end is not refused (REFUSE); the dialer
 * gives a session up only when the listener has ended it (GIVE UP). Everything is delivered, or both sides know that the session has
 * ended: no run gets stuck before that, and with -DLIVE by weak fairness.
 *
 * Parameters: VALUES of sizes 1, 3, 1, 3 …, WINDOW in bytes, LOT: how much has to become free before it is granted, BUFFER frames kept
 * in each direction, CUTS.
 *
 * Planted bugs, each of which has to be found:
 *   RELATIVE     grants are increments: one that is replayed counts twice     LOWER           a grant that is late lowers the total
 *   LOST_GRANT   grants are not replayed                                      LAZY            grants wait for a lot that never comes
 *   NO_WINDOW    the home grants what was taken and waits, both               TIMER_STAYS     a resume does not cancel the timer
 *   NO_HOLD      the timer goes on while a resume is checked                  DIALER_JUDGES   the dialer has a timer of its own
 *
 * Measured: 1,210,863 states; WINDOW=3 196,512; CUTS=4 VALUES=7 WINDOW=5 7,129,870; LIVE with CUTS=2 345,577.
 */
#ifndef VALUES
#define VALUES 5
#endif
#ifndef WINDOW
#define WINDOW 4
#endif
#ifdef LAZY
#define LOT 2
#else
#define LOT 1
#endif
#ifndef BUFFER
#define BUFFER 2
#endif
#ifndef CUTS
#define CUTS 3
#endif
#define ROOM 3
#define UNSAID 255

mtype = { RESUME, RESUMED, REFUSED, DATA, GRANT, ACK };
chan up = [ROOM] of { mtype, byte };         /* type, number */
chan down = [ROOM] of { mtype, byte, byte }; /* type, number, total */

/* Bytes of the first n values. */
#define bytes(n) ((n) + 2 * ((n) / 2))

/* The present link, and who believes in it. */
byte cuts = 0;
bool works = true;      /* the dialer's last link carries frames */
bool dialerUp = true;
bool waiting = false;   /* dialer: for the answer to a resume */
bool lost = false;      /* dialer: the session is over */
bool listenerUp = true;
bool hears = true;      /* the listener's link is the one that works */
bool checking = false;  /* listener: a resume is at the door */
bool there = false;     /* … and its link still works */
bool timer = false;     /* listener: armed */
bool ended = false;     /* listener: the session is over */

/* Values: numbers from 0, so that a count is also the number of the next. */
byte posted = 0, acked = 0, written = 0; /* dialer */
byte arrived = 0, told = 0, taken = 0;   /* home */
byte known = WINDOW;                     /* dialer: granted, as far as it has heard */

/* Grants. */
byte granted = WINDOW;                   /* home: by all grants so far */
byte grants = 0, grantsAcked = 0, grantsWritten = 0;
byte total[BUFFER];                      /* those kept, by number % BUFFER */
byte heard = 0, heardTold = UNSAID;      /* dialer: grants accepted; acknowledged on this link, which each link begins with */

#define delivered (taken == VALUES && acked == VALUES)
#define settled (delivered || (ended && lost))

/* ── the dialer ── */

inline hear(number, grant) {
#ifndef LOST_GRANT
  assert(number <= heard); /* GAP */
#endif
#ifdef RELATIVE
  known = known + grant;
#else
#ifdef LOWER
  known = grant;
#else
  if
  :: grant > known -> known = grant
  :: else
  fi;
#endif
#endif
  assert(bytes(posted) <= known); /* HEAR */
  if
  :: number >= heard -> heard = number + 1
  :: else
  fi
}

/* GIVE UP */
inline giveUp() {
  assert(ended);
  lost = true
}

active proctype Dialer() {
  byte number, grant;
  do
  :: atomic { dialerUp && posted < VALUES && posted - acked < BUFFER && bytes(posted + 1) <= known -> posted++ }
  :: atomic { dialerUp && works && written < posted && nfull(up) -> up!DATA(written); written++ }
  :: atomic { dialerUp && works && heardTold != heard && nfull(up) -> up!ACK(heard); heardTold = heard }
  :: atomic { dialerUp && down?[GRANT, _, _] -> down?GRANT(number, grant); hear(number, grant); number = 0; grant = 0 }
  :: atomic { dialerUp && down?[ACK, _, _] -> down?ACK(number, _); assert(number >= acked && number <= posted); acked = number;
       if
       :: written < acked -> written = acked
       :: else
       fi;
       number = 0 }

  :: atomic { (dialerUp || waiting) && !works -> dialerUp = false; waiting = false }
  :: atomic { !dialerUp && !waiting && !lost -> works = true; waiting = true;
       number = grantsAcked;
       do
       :: number < heard -> number++
       :: break
       od;
       up!RESUME(number); number = 0 }
  :: atomic { waiting && down?[RESUMED, _, _] -> down?RESUMED(number, _); assert(number >= acked && number <= posted);
       waiting = false; dialerUp = true; acked = number; written = number; heardTold = UNSAID; number = 0 }
  :: atomic { waiting && down?[REFUSED, _, _] -> down?REFUSED(_, _); waiting = false; works = false; giveUp() }
#ifdef DIALER_JUDGES
  :: atomic { !dialerUp && !lost -> giveUp() }
#endif
  :: atomic { settled -> break }
  od
}

/* ── the listener, the home ── */

#define free (bytes(taken) + WINDOW)
#ifdef NO_WINDOW
#define deserved (bytes(arrived) + WINDOW)
#else
#define deserved free
#endif

inline grantMore() {
#ifdef RELATIVE
  total[grants % BUFFER] = deserved - granted;
#else
  total[grants % BUFFER] = deserved;
#endif
  granted = deserved;
  grants++
}

inline acknowledgeGrants(next) {
  assert(next <= grants);
  if
  :: next > grantsAcked -> grantsAcked = next
  :: else
  fi;
  if
  :: grantsWritten < grantsAcked -> grantsWritten = grantsAcked
  :: else
  fi
}

inline attach(next) {
  assert(!ended && !lost); /* ATTACH, REFUSE */
  listenerUp = true;
  hears = true;
#ifndef TIMER_STAYS
  timer = false;
#endif
  acknowledgeGrants(next);
#ifndef LOST_GRANT
  grantsWritten = grantsAcked;
#endif
  told = arrived;
  down!RESUMED(arrived, 0)
}

active proctype Listener() {
  byte number;
  do
  :: atomic { listenerUp && !checking && up?[DATA, _] -> up?DATA(number);
       assert(number <= arrived); /* GAP */
       if
       :: number == arrived -> arrived++; assert(bytes(arrived) <= granted && bytes(arrived) - bytes(taken) <= WINDOW) /* ARRIVE */
       :: else
       fi;
       number = 0 }
  :: atomic { listenerUp && !checking && up?[ACK, _] -> up?ACK(number); acknowledgeGrants(number); number = 0 }
  :: atomic { !ended && taken < arrived -> taken++ }
  :: atomic { !ended && deserved >= granted + LOT && grants - grantsAcked < BUFFER -> grantMore() }
  :: atomic { listenerUp && hears && grantsWritten < grants && nfull(down) -> down!GRANT(grantsWritten, total[grantsWritten % BUFFER]); grantsWritten++ }
  :: atomic { listenerUp && hears && told < arrived && nfull(down) -> down!ACK(arrived, 0); told = arrived }

  :: atomic { listenerUp && !hears -> listenerUp = false; timer = true }
  /* EXPIRE */
#ifdef NO_HOLD
  :: atomic { timer && !ended -> assert(!listenerUp); ended = true; timer = false }
#else
  :: atomic { timer && !checking && !ended -> assert(!listenerUp); ended = true; timer = false }
#endif
  :: atomic { !checking && up?[RESUME, _] ->
       if
       :: ended -> up?RESUME(_); down!REFUSED(0, 0)
       :: else -> checking = true; there = true
       fi }
  :: atomic { checking -> checking = false;
       if
       :: there -> up?RESUME(number); there = false; attach(number); number = 0
       :: else /* cut while it was checked */
       fi }
  :: atomic { settled -> break }
  od
}

/* ── the network ── */

inline lose() {
  do
  :: nempty(up) -> up?_, _
  :: nempty(down) -> down?_, _, _
  :: empty(up) && empty(down) -> break
  od
}

active proctype Network() {
end:
  do
  :: atomic { cuts < CUTS && works && !settled -> cuts++; works = false; hears = false; there = false; lose() }
  :: atomic { settled -> break }
  od
}

#ifdef LIVE
ltl live { <> settled }
#endif
