/*
 * One session over many links: cut, zombie and half-opened links, replay, takeover by epoch, tokens that rotate.
 *
 * Modelled. A dialer and a listener, values in both directions, numbered, acknowledged cumulatively, kept in a bounded replay buffer
 * until then (full: the application waits). A link is two FIFO directions. A fault either cuts a link (each direction delivers any part
 * of what is in flight, from the front, and then its end; each side notices in its own time) or makes the dialer open another link
 * beside one that works or that it is waiting on. So several links are alive at once, old ones deliver late frames, late resumes and
 * late ends, and the answer to any resume may be lost. Every link has its epoch. The token that the listener mints when it accepts the
 * resume of epoch e is e itself: unguessable tokens are all different, and that is all that matters here. Two tokens are valid, the
 * shown one and the new one, until a frame on the new link proves that the dialer has the new one.
 *
 * Laws. Applications get every value once and in order (deliver); no number is skipped (GAP); a resume of the link that the dialer
 * waits on is never refused (REFUSED); a frame takes effect only on the one link that is attached (take);
 * acknowledgements never go back and never pass what was sent (ACK); what is asked for is still kept (RESUME); with finitely many
 * faults everything is delivered and acknowledged: no run gets stuck before that, and with -DLIVE by weak fairness.
 *
 * Parameters: UP and DOWN values to the listener and to the dialer, BUFFER kept at once, FAULTS.
 *
 * Planted bugs, each of which has to be found:
 *   NO_REPLAY    a new link goes on where the old one stopped           NO_DEDUPE    a number that was accepted is delivered again
 *   EVICT        a full replay buffer drops its oldest                  ACK_EARLY    what has arrived is acknowledged, delivered later
 *   NO_FENCE     frames of an old link still take effect                LATE_END     the end of an old link detaches the new one
 *   OLD_EPOCH    a resume that was overtaken still takes over           STRICT_NEXT  a resume may not ask for less than was acknowledged
 *   ONE_TOKEN    a new token makes the shown one invalid at once        OLD_PROOF    a frame on an old link proves that link's token
 *   NO_FIRST_ACK a new link does not begin with an acknowledgement      STALE_TOKEN  the dialer takes the token of an attempt it gave up
 *   STALE_REFUSAL  the dialer believes the refusal of an attempt it gave up
 *
 * Measured: 1,566,887 states; FAULTS=3 with one value: up 163,956, down 508,568, one each way 6,245,087; LIVE with UP=1 104,655.
 */
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef UP
#define UP 2
#endif
#ifndef DOWN
#define DOWN 1
#endif
#ifndef BUFFER
#define BUFFER 2
#endif
#define LINKS (FAULTS + 1)
#define NONE LINKS
#define DIALER 0
#define LISTENER 1
#define ROOM 3

mtype = { RESUME, RESUMED, REFUSED, DATA, ACK };

/* What a side says on link k. RESUME(next, token) and RESUMED(next); the epoch of a link and the token of its RESUMED are k. */
#define said(k, side) wire[2 * (k) + side]
chan wire[2 * LINKS] = [ROOM] of { mtype, byte, byte };
/* Nothing more is said in this direction: behind what is in flight its reader finds the end. */
#define ended(k, side) over[2 * (k) + side]
bool over[2 * LINKS];

/* By side. Numbers count from 0: a count of values is also the number of the next. */
byte link[2];    /* the attached one */
byte posted[2];  /* values the application was allowed to post */
byte acked[2];   /* of those, acknowledged by the other side */
byte written[2]; /* the next one to write on this link */
byte got[2];     /* accepted from the other side */
byte told[2];    /* of those, acknowledged on this link */
bool answer[2];  /* an acknowledgement is due at once: the link is new */
byte app[2];     /* values the application has */

byte epoch = 0;      /* dialer: its last attempt */
byte trying = NONE;  /* dialer: the link it waits on for an answer */
byte token = 0;      /* dialer: what it will show */
byte accepted = 0;   /* listener: the highest epoch that took over */
byte shown = 0;      /* listener: the tokens that are valid */
byte fresh = 0;
byte faults = 0;

#define total(side) (side == DIALER -> UP : DOWN)
#define done (app[LISTENER] == UP && app[DIALER] == DOWN && acked[DIALER] == UP && acked[LISTENER] == DOWN)
#define linked(side) (link[side] != NONE && !ended(link[side], side))
#define canWrite(side) (linked(side) && nfull(said(link[side], side)))

/* A link of this side is new: everything that the other side does not have is written again. */
inline attach(side, k) {
  link[side] = k;
#ifndef NO_REPLAY
  written[side] = acked[side];
#endif
  told[side] = got[side];
#ifndef NO_FIRST_ACK
  answer[side] = true;
#endif
}

inline deliver(side, value) {
  assert(value == app[side]);
  app[side]++;
}

inline acknowledge(side, next) {
  acked[side] = next;
  if
  :: written[side] < next -> written[side] = next
  :: else
  fi
}

/* A frame on link k takes effect at this side. */
inline take(side, k, type, number) {
#ifndef NO_FENCE
  assert(k == link[side]);
#endif
  if
  :: type == DATA && number < got[side] ->
#ifdef NO_DEDUPE
     deliver(side, number)
#else
     skip
#endif
  :: type == DATA && number == got[side] -> got[side]++; deliver(side, number)
  :: type == DATA && number > got[side] -> assert(false) /* GAP */
#ifdef EVICT
  :: type == ACK && number < acked[side]
#else
  :: type == ACK && number < acked[side] -> assert(false)
#endif
  :: type == ACK && number >= acked[side] -> assert(number <= posted[side]); acknowledge(side, number)
  fi
}

/* What either side does by itself while it has a link. */
#define SPEAKS(side) \
  :: atomic { linked(side) && posted[side] < total(side) && posted[side] - acked[side] < BUFFER -> posted[side]++ } \
  :: atomic { canWrite(side) && written[side] < posted[side] -> said(link[side], side)!DATA(written[side], 0); written[side]++ } \
  :: atomic { canWrite(side) && (told[side] < got[side] || answer[side]) -> \
       told[side] = (told[side] > got[side] -> told[side] : got[side]); said(link[side], side)!ACK(told[side], 0); answer[side] = false }

#ifdef EVICT
#define EVICTS(side) \
  :: atomic { linked(side) && posted[side] < total(side) && posted[side] - acked[side] == BUFFER -> posted[side]++; acknowledge(side, acked[side] + 1) }
#else
#define EVICTS(side)
#endif

#ifdef ACK_EARLY
#define ACKS_EARLY(side) \
  :: atomic { canWrite(side) && said(link[side], 1 - side)?[DATA, eval(got[side]), _] && told[side] == got[side] -> \
       said(link[side], side)!ACK(got[side] + 1, 0); told[side] = got[side] + 1 }
#else
#define ACKS_EARLY(side)
#endif

/* ── the dialer ── */

inline giveUp(k) {
  ended(k, DIALER) = true;
  k = NONE
}

inline knock() {
  assert(epoch < FAULTS);
  if
  :: trying != NONE -> giveUp(trying)
  :: else
  fi;
  epoch++;
  trying = epoch;
  said(epoch, DIALER)!RESUME(got[DIALER], token)
}

#define DIALER_HEARS(k) \
  :: atomic { said(k, LISTENER)?type(number, other) -> \
       if \
       :: k == trying && type == RESUMED -> \
          token = k; \
          assert(number >= acked[DIALER] && number <= posted[DIALER]); \
          assert(acked[LISTENER] <= got[DIALER]); \
          acknowledge(DIALER, number); \
          if \
          :: link[DIALER] != NONE -> giveUp(link[DIALER]) \
          :: else \
          fi; \
          attach(DIALER, k); \
          trying = NONE \
       :: k == trying && type == REFUSED -> assert(false) \
       :: k == link[DIALER] && k != trying -> take(DIALER, k, type, number) \
       :: k != link[DIALER] && k != trying -> staleAnswer(k, type) \
       fi; \
       type = 0; number = 0 } \
  :: atomic { k == trying && empty(said(k, LISTENER)) && ended(k, LISTENER) -> giveUp(trying) } \
  :: atomic { k == link[DIALER] && empty(said(k, LISTENER)) && ended(k, LISTENER) -> giveUp(link[DIALER]) }

/* Of a link that was given up: neither a token nor a refusal in it means anything. */
inline staleAnswer(k, type) {
#ifdef STALE_TOKEN
  if
  :: type == RESUMED -> token = k
  :: else
  fi;
#endif
#ifdef STALE_REFUSAL
  assert(type != REFUSED);
#endif
  skip
}

active proctype Dialer() {
  mtype type;
  byte number, other;
  do
  SPEAKS(DIALER)
  EVICTS(DIALER)
  ACKS_EARLY(DIALER)
  :: atomic { trying == NONE && link[DIALER] == NONE -> knock() }
  :: atomic { (trying != NONE || link[DIALER] != NONE) && faults < FAULTS && !done -> faults++; knock() }
  DIALER_HEARS(0)
  DIALER_HEARS(1)
  DIALER_HEARS(2)
#if FAULTS > 2
  DIALER_HEARS(3)
#endif
#if FAULTS > 3
  DIALER_HEARS(4)
#endif
  :: atomic { done -> break }
  od
}

/* ── the listener ── */

inline prove(k) {
  if
  :: shown == k || fresh == k -> shown = k; fresh = k
  :: else
  fi
}

inline say(k, type, number) {
  if
  :: !ended(k, LISTENER) -> said(k, LISTENER)!type(number, 0)
  :: else
  fi
}

inline resume(k, next, secret) {
  if
  :: secret != shown && secret != fresh -> say(k, REFUSED, 0); ended(k, LISTENER) = true
#ifndef OLD_EPOCH
  :: (secret == shown || secret == fresh) && k <= accepted -> ended(k, LISTENER) = true
  :: (secret == shown || secret == fresh) && k > accepted ->
#else
  :: (secret == shown || secret == fresh) ->
#endif
     assert(acked[DIALER] <= got[LISTENER]);
     if
     :: link[LISTENER] != NONE -> ended(link[LISTENER], LISTENER) = true
     :: else
     fi;
     accepted = k;
     shown = secret;
     fresh = k;
#ifdef ONE_TOKEN
     shown = k;
#endif
     /* An acknowledgement on the old link may have overtaken the resume. */
#ifdef STRICT_NEXT
     assert(next >= acked[LISTENER]);
#endif
     assert(next <= posted[LISTENER]);
     if
     :: next > acked[LISTENER] -> acknowledge(LISTENER, next)
     :: else
     fi;
     attach(LISTENER, k);
     say(k, RESUMED, got[LISTENER])
  fi
}

#define LISTENER_HEARS(k) \
  :: atomic { said(k, DIALER)?type(number, secret) -> \
       if \
       :: type == RESUME -> resume(k, number, secret) \
       :: type != RESUME && k == link[LISTENER] -> prove(k); take(LISTENER, k, type, number) \
       :: type != RESUME && k != link[LISTENER] -> lateFrame(k, type, number) \
       fi; \
       type = 0; number = 0; secret = 0 } \
  :: atomic { k == link[LISTENER] && empty(said(k, DIALER)) && ended(k, DIALER) -> link[LISTENER] = NONE; ended(k, LISTENER) = true; heardEnd(k) } \
  LATE_END_OF(k)

inline lateFrame(k, type, number) {
#ifdef NO_FENCE
  take(LISTENER, k, type, number)
#endif
#ifdef OLD_PROOF
  prove(k)
#endif
  skip
}

#ifdef LATE_END
bool heard[LINKS];
#define heardEnd(k) heard[k] = true
#define LATE_END_OF(k) \
  :: atomic { k < accepted && !heard[k] && empty(said(k, DIALER)) && ended(k, DIALER) -> heard[k] = true; link[LISTENER] = NONE }
#else
#define heardEnd(k) skip
#define LATE_END_OF(k)
#endif

active proctype Listener() {
  mtype type;
  byte number, secret;
  do
  SPEAKS(LISTENER)
  EVICTS(LISTENER)
  ACKS_EARLY(LISTENER)
  LISTENER_HEARS(0)
  LISTENER_HEARS(1)
  LISTENER_HEARS(2)
#if FAULTS > 2
  LISTENER_HEARS(3)
#endif
#if FAULTS > 3
  LISTENER_HEARS(4)
#endif
  :: atomic { done -> break }
  od
}

/* ── the network ── */

/* Loses what is in flight from some frame on. */
inline lose(direction) {
  left = len(direction);
  keeping = true;
  do
  :: left > 0 ->
     direction?type(number, other);
     left--;
     if
     :: keeping -> direction!type(number, other)
     :: keeping = false
     fi
  :: left == 0 -> break
  od;
  type = 0; number = 0; other = 0; keeping = false
}

#define CUTS(k) \
  :: atomic { faults < FAULTS && !done && (k == link[DIALER] || k == trying || k == link[LISTENER]) && !(ended(k, DIALER) && ended(k, LISTENER)) -> \
       faults++; lose(said(k, DIALER)); lose(said(k, LISTENER)); ended(k, DIALER) = true; ended(k, LISTENER) = true }

active proctype Network() {
  mtype type;
  byte number, other, left;
  bool keeping;
end:
  do
  CUTS(0)
  CUTS(1)
#if FAULTS > 2
  CUTS(2)
#endif
#if FAULTS > 3
  CUTS(3)
#endif
  :: atomic { done -> break }
  od
}

#ifdef LIVE
ltl live { <> done }
#endif
