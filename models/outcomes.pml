/*
 * What the sender of one value is told, and what its receiver got, when sessions are cut, resumed and lost.
 *
 * Modelled. A sender, the home of the channel, a receiver, each a process of its own; one session from the sender to the home, one from
 * the receiver, and another when the receiver comes back after a loss ("redial": the same process, a new session). A session that is cut
 * holds up what is in flight until it is resumed (that nothing is lost or doubled then is resume.pml), or it is lost: each side notices
 * that in its own time, either first, and hears nothing more. (Until then the home may offer to it, which is more than it really does.)
 * The home offers the value to who wants it; take comes from the receiving application; decline when nobody waits any more. The sender
 * may abort at any time: before its value was written it is withdrawn at once, later the home decides. With no receiver left that could
 * come back the home fails what waits.
 *
 * Laws, CAPACITY 0 (rendezvous) or 1 (buffered), in-doubt values rejected or, with REDELIVER, offered again:
 *
 *   sender told    receiver     rendezvous              buffered
 *   ok             got          reachable               reachable
 *   ok             nothing      never                   only if it still waits at the home or is listed as undelivered
 *   not-sent       got          never                   never
 *   not-sent       nothing      reachable               reachable
 *   unknown        got          reachable               reachable
 *   unknown        nothing      reachable               reachable
 *   got twice                   never; with REDELIVER reachable, and what was fulfilled is received at least once unless it still waits
 *
 * and no run ends with a sender that was told nothing. FIND=n looks for a pair that has to be reachable: it is found as an error.
 *   1 ok, got    2 not-sent, nothing    3 unknown, got    4 unknown, nothing    5 ok, nothing    6 got twice    7 unknown, got twice
 *
 * Planted bugs, each of which has to be found:
 *   EARLY         the sender is told ok when its value is offered    PUT_BACK      a value in doubt is offered again, though rejected
 *   BLIND_ABORT   an abort does not wait for the home                SURE_LOSS     a written value is not-sent when the session is lost
 *   LATE_TAKE     REDELIVER: the take of a lost session counts       FORGET_DOUBT  REDELIVER: put back, a value counts as never offered
 *   UNLISTED      buffered: a value in doubt is not listed as undelivered
 *
 * Measured: 103,404 states; REDELIVER 125,505; CAPACITY=1 108,634; both 130,676; with CUTS=6 332,949, and both 416,432.
 */
#ifndef CAPACITY
#define CAPACITY 0
#endif
#ifndef CUTS
#define CUTS 3
#endif
#ifndef FIND
#define FIND 0
#endif
#define SENDER 0
#define FIRST 1  /* the receiver's session … */
#define SECOND 2 /* … and the one after it was lost */

mtype = { SEND, CANCEL, SENT, FAILED, WITHDRAWN, UNKNOWN, WANT, OFFER, TAKE, DECLINE };
mtype = { PENDING, OK, NOT_SENT, IN_DOUBT, NOWHERE, QUEUED, OFFERED, GONE };

/* By session. */
chan toHome[3] = [3] of { mtype };
chan fromHome[3] = [3] of { mtype };
bool down[3];     /* cut */
bool homeLost[3]; /* the home has noticed that it is lost */
bool farLost[3];  /* the other side has */
bool begun = false; /* the second session */
byte cuts = 0;

mtype outcome = PENDING; /* what the sender was told */
byte got = 0;            /* times the receiving application has had the value */

/* The home's. */
mtype item = NOWHERE;
byte holder;             /* OFFERED: to that session */
bool wants[3];
bool fulfilled = false;  /* buffered: its sender was told ok */
bool unwanted = false;   /* its sender wants it back, or is lost */
bool doubted = false;    /* somebody may have had it */
byte undelivered = 0;    /* listed so */

#define flows(s) (!down[s] && !homeLost[s] && !farLost[s])
#define over (farLost[FIRST] && farLost[SECOND])

/* ── the sender ── */

active proctype Sender() {
  bool written = false, asked = false;
  do
  :: atomic { !written && flows(SENDER) -> written = true; toHome[SENDER]!SEND }
  :: atomic { !written -> outcome = NOT_SENT; break }
#ifdef BLIND_ABORT
  :: atomic { written -> outcome = NOT_SENT; toHome[SENDER]!CANCEL; break }
#else
  :: atomic { written && !asked && !farLost[SENDER] -> asked = true; toHome[SENDER]!CANCEL }
#endif
  :: atomic { flows(SENDER) && fromHome[SENDER]?[SENT] -> fromHome[SENDER]?SENT; outcome = OK; break }
  :: atomic { flows(SENDER) && fromHome[SENDER]?[FAILED] -> fromHome[SENDER]?FAILED; outcome = NOT_SENT; break }
  :: atomic { flows(SENDER) && fromHome[SENDER]?[WITHDRAWN] -> fromHome[SENDER]?WITHDRAWN; outcome = NOT_SENT; break }
  :: atomic { flows(SENDER) && fromHome[SENDER]?[UNKNOWN] -> fromHome[SENDER]?UNKNOWN; outcome = IN_DOUBT; break }
#ifdef SURE_LOSS
  :: atomic { written && farLost[SENDER] -> outcome = NOT_SENT; break }
#else
  :: atomic { written && farLost[SENDER] -> outcome = IN_DOUBT; break }
#endif
  od
}

/* ── the receiver ── */

active proctype Receiver() {
  byte s = FIRST;
  bool waiting = false, asked = false, open = false, declined = false;
end:
  do
  :: atomic { flows(s) && !asked -> asked = true; waiting = true; toHome[s]!WANT }
  :: atomic { flows(s) && fromHome[s]?[OFFER] -> fromHome[s]?OFFER; open = true }
  /* The application takes it, whatever has become of the link meanwhile. */
  :: atomic { open && waiting && !farLost[s] -> open = false; waiting = false; got++; toHome[s]!TAKE }
  /* It gave up waiting, once. */
  :: atomic { waiting && !declined -> declined = true; waiting = false }
  :: atomic { open && !waiting && !farLost[s] -> open = false; asked = false; toHome[s]!DECLINE }
  /* Lost: what was not taken is dropped; the application asks again in a new session. */
  :: atomic { farLost[s] && s == FIRST -> s = SECOND; begun = true; waiting = false; asked = false; open = false }
  od
}

/* ── the home ── */

inline tellSender(verdict) {
  if
  :: !homeLost[SENDER] -> fromHome[SENDER]!verdict
  :: else
  fi
}

/* A value that was not taken, and is fulfilled no more. */
inline giveBack(verdict) {
  item = GONE;
  if
#ifndef FORGET_DOUBT
  :: doubted -> tellSender(UNKNOWN)
  :: !doubted -> tellSender(verdict)
#else
  :: tellSender(verdict)
#endif
  fi
}

inline putBack() {
  if
  :: unwanted && !fulfilled -> giveBack(WITHDRAWN)
  :: !(unwanted && !fulfilled) -> item = QUEUED
  fi
}

inline inDoubt() {
#if defined(REDELIVER) || defined(PUT_BACK)
  doubted = true;
  putBack()
#else
  item = GONE;
  if
  :: !fulfilled -> tellSender(UNKNOWN)
#ifndef UNLISTED
  :: fulfilled -> undelivered++
#else
  :: fulfilled
#endif
  fi
#endif
}

#define SERVES(s) \
  :: atomic { flows(s) && toHome[s]?[WANT] -> toHome[s]?WANT; wants[s] = true } \
  :: atomic { item == QUEUED && wants[s] && !homeLost[s] -> item = OFFERED; holder = s; wants[s] = false; fromHome[s]!OFFER; early() } \
  :: atomic { hears(s) && toHome[s]?[TAKE] -> toHome[s]?TAKE; \
       if \
       :: item == OFFERED && holder == s -> taken() \
       :: else -> lateTake() \
       fi } \
  :: atomic { flows(s) && toHome[s]?[DECLINE] -> toHome[s]?DECLINE; assert(item == OFFERED && holder == s); putBack() } \
  :: atomic { homeLost[s] && item == OFFERED && holder == s -> inDoubt() }

#ifdef LATE_TAKE
#define hears(s) (!down[s] || homeLost[s])
#else
#define hears(s) flows(s)
#endif

inline taken() {
  item = GONE;
  if
  :: !fulfilled && !sentEarly -> tellSender(SENT)
  :: else
  fi
}

inline lateTake() {
#ifdef LATE_TAKE
  if
  :: item == QUEUED -> item = GONE; tellSender(SENT)
  :: item == OFFERED -> taken()
  :: else
  fi
#else
  assert(false)
#endif
}

inline early() {
#ifdef EARLY
  sentEarly = true;
  tellSender(SENT)
#else
  skip
#endif
}

active proctype Home() {
  bool sentEarly = false;
end:
  do
  :: atomic { flows(SENDER) && toHome[SENDER]?[SEND] -> toHome[SENDER]?SEND; item = QUEUED;
#if CAPACITY > 0
       fulfilled = true; tellSender(SENT)
#endif
     }
  :: atomic { flows(SENDER) && toHome[SENDER]?[CANCEL] -> toHome[SENDER]?CANCEL; unwanted = true }
  :: atomic { homeLost[SENDER] && !unwanted -> unwanted = true }
  :: atomic { item == QUEUED && unwanted && !fulfilled -> giveBack(WITHDRAWN) }
  SERVES(FIRST)
  SERVES(SECOND)
  :: atomic { item == QUEUED && !fulfilled && homeLost[FIRST] && homeLost[SECOND] -> giveBack(FAILED) }
  od
}

/* ── the network ── */

#define LINK(s) \
  :: atomic { flows(s) && cuts < CUTS && (s != SECOND || begun) -> cuts++; down[s] = true } \
  :: atomic { down[s] && !homeLost[s] && !farLost[s] -> down[s] = false } \
  :: atomic { down[s] && !homeLost[s] -> homeLost[s] = true } \
  :: atomic { down[s] && !farLost[s] -> farLost[s] = true }

active proctype Network() {
end:
  do
  LINK(SENDER)
  LINK(FIRST)
  LINK(SECOND)
  od
}

/* ── the table ── */

active proctype Table() {
end:
  atomic {
#if FIND == 0
    if
    :: outcome == NOT_SENT && got > 0
#if CAPACITY == 0
    :: outcome == OK && got == 0
#else
    :: outcome == OK && over && got == 0 && item == GONE && undelivered == 0
#endif
#ifdef REDELIVER
    :: fulfilled && item == GONE && got == 0
#else
    :: got > 1
#endif
    fi;
#endif
#if FIND == 1
    outcome == OK && got == 1;
#endif
#if FIND == 2
    outcome == NOT_SENT && over && got == 0;
#endif
#if FIND == 3
    outcome == IN_DOUBT && got == 1;
#endif
#if FIND == 4
    outcome == IN_DOUBT && over && got == 0;
#endif
#if FIND == 5
    outcome == OK && over && got == 0;
#endif
#if FIND == 6
    got == 2;
#endif
#if FIND == 7
    outcome == IN_DOUBT && got == 2;
#endif
    assert(false)
  }
}
