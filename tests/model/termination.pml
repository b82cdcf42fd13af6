/* SPDX-License-Identifier: MIT
 *
 * termination.pml: when may the coordinator call a round quiet?
 *
 * Each mutator keeps what its barrier greys in a buffer of its own, which it donates to the shared queue
 * in every H3 acknowledgement and, when it likes, earlier. Markers and assists pop the queue, scan, and
 * push. The coordinator runs { clear the flag, wait until the drain is dry, H3 } until, after H3's last
 * acknowledgement, the flag is still clear and everything is still dry. Dry: the queue is empty and
 * nobody who popped from it is still at work.
 *
 * Rules (README.md) held to account: 2 (rounds, and every donation sets the flag), 3 (when the
 * flag is cleared), 7 (an assist is an active marker; acknowledgements only with empty local work).
 *
 * What must hold: no mutator touches a freed slot, and at the sweep a marked object points only to marked
 * ones.
 *
 * Left out: the start and end handshakes, which handshakes.pml has. A cycle starts and ends in one step
 * here, and starts only when no mutator is between a barrier and its store, which is what H1 is for.
 * Queues of several workers with stealing: one queue stands for all.
 *
 * Variants, one a line, read by ./run: what must come out, a name, the switches.
 *   RUN holds    one-marker
 *   RUN holds    two-markers       -DMARKERS=2 -DNO_ASSIST
 *   RUN holds    judge-by-flag     -DJUDGE_BY_FLAG -DNO_ASSIST
 *   RUN refuted  silent-donation   -DSILENT_DONATION
 *   RUN refuted  flag-first        -DFLAG_FIRST -DNO_ASSIST
 *   RUN refuted  queue-only        -DDRAINED=EMPTY -DQUIET=EMPTY
 *   RUN refuted  h3-while-busy     -DDRAINED=EMPTY
 *   RUN refuted  torn-queue-first  -DTORN=1 -DNO_ASSIST
 *   RUN refuted  torn-busy-first   -DTORN=2 -DNO_ASSIST
 *   RUN refuted  uncounted-assist  -DUNCOUNTED_ASSIST
 *   RUN refuted  buffer-kept       -DBUFFER_KEPT
 *   RUN refuted  late-clear        -DLATE_CLEAR
 *   RUN reached  slot-reuse        -DWITNESS=1
 *   RUN reached  third-round       -DWITNESS=2
 *   RUN reached  assist-during-h3  -DWITNESS=3
 *   RUN reached  flag-vetoes-quiet -DWITNESS=4
 *
 * Switches
 *   MARKERS=n          marker threads, 1 unless told
 *   NO_ASSIST          mutators do not assist: fewer states where assists are not the point
 *   JUDGE_BY_FLAG      after H3 look at the flag alone: enough, because every grey object made since the
 *                      drain was dry came out of a donation, and that set the flag
 *   SILENT_DONATION    fault: donating does not set the flag
 *   FLAG_FIRST         fault: a donation sets the flag and only then fills the queue
 *   DRAINED=EMPTY      fault: the drain is called dry though a marker still holds an object. Looking at
 *                      the markers after H3 does not mend it
 *   QUIET=EMPTY        fault, with the one before: nor does the judgement after H3 look at the markers
 *   TORN=1, TORN=2     fault: queue and busy count are read at two moments, in this order or the other
 *   UNCOUNTED_ASSIST   fault: an assist does not count as busy
 *   BUFFER_KEPT        fault: a mutator acknowledges H3 with grey objects still in its buffer
 *   LATE_CLEAR         fault: the flag is cleared between the drain and H3
 *   WITNESS=n          the search must come to SEEN(n): proof that the model does something
 *
 * By hand:  spin -a termination.pml && cc -O2 -w -DSAFETY -o pan pan.c && ./pan -m1000000 -w24
 *           after an error: spin -t -p -g -l termination.pml shows the way there (same -D switches)
 * Measured: one-marker 8.30 M states, two-markers 9.95 M, judge-by-flag 3.48 M. */

#define M 2 /* mutators */
#define N 3 /* objects; 0 is the global root */
#ifndef MARKERS
#define MARKERS 1
#endif
#define NIL N
#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define LIVE(x) ((x) == NIL || HAS(alloc, x))

#define EMPTY (queue == 0)
#define DRY (queue == 0 && busy == 0)
#ifndef DRAINED
#define DRAINED DRY
#endif
#ifndef QUIET
#define QUIET DRY
#endif

#ifdef WITNESS
#define SEEN(n) assert(WITNESS != (n))
#else
#define SEEN(n) skip
#endif

/* White is allocated and not marked; grey is marked and in the queue, in a buffer or in a worker's
 * hands; black is marked and scanned. */
byte alloc = 1;
byte mark;
byte queue;
byte buffer[M];
byte fld[N] = NIL;

bit marking;  /* barrier on and allocation black, for both mutators at once */
bit flag;     /* something was donated since it was cleared */
byte busy;    /* markers and assists between their pop and their last push */
byte storing; /* mutators between a barrier and its store */
bit req[M];   /* H3 is asked of this mutator */
#ifdef WITNESS
byte freed;
#endif
hidden byte k; /* scratch inside one step */

inline greyobject(x, set) {
  if
  :: x != NIL && !HAS(mark, x) -> mark = mark | BIT(x); set = set | BIT(x)
  :: else
  fi
}

/* The queue first, the flag second, and no safepoint between: a flag set first could be cleared by the
 * coordinator before the objects are there to be drained. */
inline donate() {
#if defined(SILENT_DONATION)
  d_step { buffer[_pid] != 0 -> queue = queue | buffer[_pid]; buffer[_pid] = 0 }
#elif defined(FLAG_FIRST)
  buffer[_pid] != 0 -> flag = 1;
  d_step { queue = queue | buffer[_pid]; buffer[_pid] = 0 }
#else
  d_step { buffer[_pid] != 0 -> queue = queue | buffer[_pid]; buffer[_pid] = 0 };
  flag = 1
#endif
}

/* Popping and becoming busy is one step, pushing and leaving off is another: in the runtime, both
 * under the queue's lock, or both in one atomic word. */
inline pop(i) {
  d_step { HAS(queue, i) -> queue = queue & ~BIT(i); x = i; busy++ }
}
inline scan() {
  child = fld[x];
  d_step { greyobject(child, queue); x = NIL; child = NIL; busy-- }
}

#ifndef NO_ASSIST
#ifdef UNCOUNTED_ASSIST
#define ENTER skip
#define LEAVE skip
#else
#define ENTER busy++
#define LEAVE busy--
#endif
inline assist_pop(i) {
  d_step { HAS(queue, i) -> queue = queue & ~BIT(i); x = i; ENTER }
}
#endif

/* Between two choices of the loop is a safepoint; inside a choice is none. */
active [M] proctype mutator() {
  byte a = 0, b = NIL; /* registers: its roots */
#ifndef NO_ASSIST
  byte x = NIL, child = NIL; /* an assist's work */
#endif
  do
  :: d_step { fld[a] != b -> assert(LIVE(a)); b = fld[a] } /* b = a.f */
  :: d_step { !marking && fld[a] != b -> assert(LIVE(a) && LIVE(b)); fld[a] = b }
  :: d_step { marking && fld[a] != b -> greyobject(b, buffer[_pid]); storing++ };
     d_step { assert(LIVE(a) && LIVE(b)); fld[a] = b; storing-- }
  :: d_step { b != NIL && a != b -> a = b } /* a = b: walk on */
  :: d_step { a != 0 -> a = 0 }             /* a = the global root */
  :: d_step {                               /* b = new object */
       alloc != BIT(N) - 1 ->
       k = 0; do :: HAS(alloc, k) -> k++ :: else -> break od;
       alloc = alloc | BIT(k);
       if :: marking -> mark = mark | BIT(k) :: else fi;
#ifdef WITNESS
       if :: HAS(freed, k) -> SEEN(1) :: else fi;
#endif
       fld[k] = NIL; b = k; k = 0
     }
  :: donate() /* early: the buffer is full, or markers are hungry */
  :: d_step { req[_pid] -> greyobject(a, buffer[_pid]); greyobject(b, buffer[_pid]) }; /* H3 */
#ifndef BUFFER_KEPT
     if :: donate() :: buffer[_pid] == 0 fi;
#endif
     req[_pid] = 0
#ifndef NO_ASSIST
  :: assist_pop(0) -> goto assist
  :: assist_pop(1) -> goto assist
  :: assist_pop(2) ->
assist:
     child = fld[x];
     d_step {
       if :: req[_pid] && child != NIL && !HAS(mark, child) -> SEEN(3) :: else fi;
       greyobject(child, queue); x = NIL; child = NIL; LEAVE
     }
#endif
  od
}

active [MARKERS] proctype marker() {
  byte x = NIL, child = NIL;
  do
  :: pop(0); scan()
  :: pop(1); scan()
  :: pop(2); scan()
  od
}

active proctype coordinator() {
#ifdef WITNESS
  byte round;
#endif
  do
  :: true ->
     d_step { storing == 0 -> marking = 1; greyobject(0, queue) };
     do
     :: true ->
#ifndef LATE_CLEAR
        flag = 0;
#endif
#if !defined(TORN)
        DRAINED;
#elif TORN == 1
        queue == 0; busy == 0;
#else
        busy == 0; queue == 0;
#endif
#ifdef LATE_CLEAR
        flag = 0;
#endif
        d_step { req[0] = 1; req[1] = 1 };
        d_step { !req[0] && !req[1] -> skip };
#ifdef WITNESS
        d_step {
          round++;
          if :: round == 3 -> SEEN(2) :: else fi;
          if :: flag && DRY -> SEEN(4) :: else fi
        };
#endif
        if
#ifdef JUDGE_BY_FLAG
        :: !flag -> break
#else
        :: !flag && QUIET -> break
#endif
        :: else
        fi
     od;
#ifdef WITNESS
     round = 0;
#endif
     skip; /* Promela: a break may not lead straight into a d_step */
     d_step { /* barrier off, sweep, allocate white */
       do
       :: k < N ->
          assert(!HAS(mark, k) || fld[k] == NIL || HAS(mark, fld[k]));
          if :: !HAS(mark, k) -> fld[k] = NIL :: else fi;
          k++
       :: else -> break
       od;
       k = 0;
#ifdef WITNESS
       freed = alloc & ~mark;
#endif
       alloc = mark; mark = 0; marking = 0
     }
  od
}
