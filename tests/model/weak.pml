/* SPDX-License-Identifier: MIT
 *
 * weak.pml: what a weak load may give while the coordinator decides what is dead.
 *
 * Two mutators with one register each share three objects of one field; object 0 is the global root. There
 * is one weak cell, or one ephemeron (EPHEMERON), which is always to hand; its word is read without a
 * barrier and does not keep what it names. The flag of the rounds is one word with three values: quiet so
 * far, another round wanted, closed. Whoever shades, and a weak load of an unmarked target, moves it from
 * the first to the second; the coordinator, after H3, from the first to the third, both by compare and swap.
 * From there on nothing white becomes reachable. Then, in this order: the cell is emptied if its target is
 * unmarked; with FINALIZER, what unmarked objects with a finalizer refer to is marked, and those still
 * unmarked are revived and queued as roots; barrier off (H4 and H5 in one: nothing is allocated white before
 * the sweep here); sweep.
 *
 * A weak load, with no safepoint inside:
 *
 *   read the cell            nil: nil
 *   barrier off              the target: either marking has not begun, or the dead are cleared
 *   target marked            go on to the last line
 *   another round, by CAS    if the word is closed: nil unless the target is marked by now;
 *                            else mark the target and keep it in one's own buffer
 *   read the cell again      the target if it is still there, else nil: it was revived, and is dead all the same
 *
 * Rules (README.md) held to account: 11, 2 where a weak load asks for the round, 9's words, which
 * H3 copies and the coordinator resolves before it judges, and 10's black allocation through all of this.
 *
 * What must hold: when a round is closed everything reachable is marked (registers, root, queued objects,
 * and through ephemerons); a weak load gives nothing that was dead then, and gives nil for nothing that is
 * reachable and was not revived; no cell with a reachable target is emptied; no mutator touches a freed object; at the sweep a
 * marked object points only to marked ones.
 *
 * Left out: early donations and markers beside the coordinator (termination.pml); the list of cells and its
 * lock; cells that are themselves garbage, cleanups; the escalation. From closing to the sweep no cell is
 * made: the target of a new one is marked by then. Finalizers are set with the barrier off.
 *
 * Variants, one a line, read by ./run: what must come out, a name, the switches.
 *   RUN holds    cell
 *   RUN holds    finalizer         -DFINALIZER
 *   RUN holds    ephemeron         -DEPHEMERON
 *   RUN refuted  no-veto           -DNO_VETO
 *   RUN refuted  plain-veto        -DPLAIN_VETO
 *   RUN refuted  plain-close       -DPLAIN_CLOSE
 *   RUN refuted  stays-closed      -DSTAYS_CLOSED
 *   RUN refuted  barriers-dropped  -DSTAYS_CLOSED -DNO_LOADS
 *   RUN refuted  given-when-closed -DGIVEN_WHEN_CLOSED
 *   RUN refuted  mark-first        -DMARK_FIRST
 *   RUN refuted  judge-unresolved  -DJUDGE_UNRESOLVED
 *   RUN refuted  safepoint-in-load -DSAFEPOINT_IN_LOAD
 *   RUN refuted  emptied-after-off -DEMPTIED_LATE=1
 *   RUN refuted  emptied-at-sweep  -DEMPTIED_LATE=2
 *   RUN refuted  white-early       -DFINALIZER -DWHITE_EARLY
 *   RUN refuted  no-reread         -DFINALIZER -DNO_REREAD
 *   RUN refuted  revived-first     -DFINALIZER -DREVIVED_FIRST
 *   RUN refuted  revived-alone     -DFINALIZER -DREVIVED_ALONE
 *   RUN refuted  queue-no-root     -DFINALIZER -DQUEUE_NO_ROOT
 *   RUN refuted  value-unshaded    -DEPHEMERON -DVALUE_UNSHADED
 *   RUN refuted  pass-once         -DEPHEMERON -DPASS_ONCE
 *   RUN reached  slot-reuse        -DWITNESS=1
 *   RUN reached  load-vetoes-quiet -DWITNESS=2
 *   RUN reached  nil-then-emptied  -DWITNESS=3
 *   RUN reached  read-then-emptied -DWITNESS=4
 *   RUN reached  marked-when-closed -DWITNESS=5
 *   RUN reached  emptied-dead      -DWITNESS=6
 *   RUN reached  revived-not-given -DFINALIZER -DWITNESS=7
 *   RUN reached  taken-before-off  -DFINALIZER -DWITNESS=8
 *   RUN reached  kept-by-another   -DFINALIZER -DWITNESS=9
 *   RUN reached  value-by-key      -DEPHEMERON -DWITNESS=10
 *   RUN reached  value-vetoes      -DEPHEMERON -DWITNESS=11
 *
 * Switches
 *   FINALIZER           objects may have finalizers; a mutator may take a queued object
 *   EPHEMERON           an ephemeron instead of the cell: its key is loaded as a cell's target is, its value
 *                       by whoever holds the key
 *   NO_VETO             fault: a weak load gives an unmarked target and neither asks nor marks
 *   PLAIN_VETO          fault: it looks at the word and then stores, instead of one compare and swap
 *   PLAIN_CLOSE         fault: so does the coordinator
 *   STAYS_CLOSED        fault: a cycle starts with the word as the last one left it, and barriers that find it
 *                       closed do nothing
 *   NO_LOADS            no weak loads while the barrier is on: shows that barriers alone are reason enough
 *   GIVEN_WHEN_CLOSED   fault: a load that finds the word closed marks its target and gives it
 *   MARK_FIRST          fault: shading marks first and asks for the round afterwards
 *   JUDGE_UNRESOLVED    fault: the round is judged before the words that H3 copied are resolved
 *   SAFEPOINT_IN_LOAD   fault: a safepoint between the reading of the cell and what follows
 *   EMPTIED_LATE=1, 2   fault: cells are emptied after H4, or after the sweep
 *   WHITE_EARLY         fault: allocation turns white before weak and finalizer work, not after it
 *   NO_REREAD           fault: a load does not look at the cell again
 *   REVIVED_FIRST       fault: objects are revived before cells are emptied
 *   REVIVED_ALONE       fault: what a revived object refers to is not marked
 *   QUEUE_NO_ROOT       fault: an object in the queue of finalizers is not a root
 *   VALUE_UNSHADED      fault: making an ephemeron does not shade its value
 *   PASS_ONCE           fault: ephemerons are looked at once a cycle, in its first drain
 *   WITNESS=n           the search must come to SEEN(n): proof that the model does something
 *
 * By hand:  spin -a weak.pml && cc -O2 -w -DSAFETY -o pan pan.c && ./pan -m1000000 -w24
 *           after an error: spin -t -p -g -l weak.pml shows the way there (same -D switches)
 * Measured: cell 3.45 M states, finalizer 14.1 M, ephemeron 10.9 M. */

#define M 2 /* mutators */
#define N 3 /* objects; 0 is the global root */
#define NIL N
#define ALL (BIT(N) - 1)
#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define LIVE(x) ((x) == NIL || HAS(alloc, x))
#define WHITE(x) ((x) != NIL && !HAS(mark, x))

/* The flag's word. */
#define QUIET 0
#define ANOTHER 1
#define CLOSED 2

/* What a mutator can be asked to acknowledge. */
#define NONE 0
#define BARRIER 1
#define BLACK 2
#define SCAN 3
#define OFF 4
#define WHITE_NOW 5 /* only in the fault WHITE_EARLY */

#ifdef WITNESS
#define SEEN(n) assert(WITNESS != (n))
#else
#define SEEN(n) skip
#endif

/* White is allocated and not marked; grey is marked and in the queue or in a buffer; black is marked
 * and scanned. */
byte alloc = 1;
byte mark;
byte queue;
byte fld[N] = NIL;
byte word;     /* the flag */
byte words;    /* what H3 copied from registers, as a set: not resolved yet */
bit swept = 1; /* off from closing to the sweep: no slot of an unswept heap is handed out white */
byte dead;     /* what was white when the round was closed, until the sweep */

byte cell = NIL; /* what the weak cell names: the target, or the ephemeron's key */
#ifdef EPHEMERON
byte value = NIL;
#endif
#ifdef FINALIZER
byte finalizer; /* set: objects that have one */
byte ready;     /* set: revived, queued, not taken yet */
#endif

/* One of each a mutator. Registers are global because the assertions follow them. */
byte r[M] = NIL;
byte buffer[M];
byte req[M];
#ifdef WITNESS
byte freed;
bit vetoed; /* a weak load moved the word since the coordinator cleared it, nothing else did */
#endif
#ifdef WITNESS
#define SEEN_VETO d_step { if :: vetoed -> SEEN(2) :: else fi }
#else
#define SEEN_VETO skip
#endif
hidden byte k, reachable; /* scratch inside one step */

/* Sets `reachable`: what mutators can come to without a weak load, and through ephemerons. */
inline reach() {
  reachable = (1 | BIT(r[0]) | BIT(r[1])) & ALL;
#ifdef FINALIZER
  reachable = reachable | ready;
#endif
  k = 0;
  do
  :: k < N * N ->
     if
     :: HAS(reachable, k % N) && fld[k % N] != NIL -> reachable = reachable | BIT(fld[k % N])
     :: else
     fi;
#ifdef EPHEMERON
     if
     :: cell != NIL && HAS(reachable, cell) -> reachable = reachable | BIT(value)
     :: else
     fi;
#endif
     k++
  :: else -> break
  od;
  k = 0
}

inline greyobject(x, set) {
  if
  :: WHITE(x) -> mark = mark | BIT(x); set = set | BIT(x)
  :: else
  fi
}

/* The compare and swap; the caller has seen that the word is not closed. */
inline ask(by_load) {
#ifdef WITNESS
  if :: word == QUIET -> vetoed = by_load :: else fi;
#endif
  word = ANOTHER
}

/* Inside one step, where nothing that happens between asking and marking could show. */
inline shade(x) {
  if
  :: WHITE(x) && word != CLOSED -> ask(0); greyobject(x, buffer[_pid])
  :: else
  fi
}

inline acknowledge() {
  d_step {
    req[_pid] != NONE ->
    if
    :: req[_pid] == BARRIER -> barrier = 1
    :: req[_pid] == BLACK -> black = 1
    :: req[_pid] == SCAN ->
       words = (words | BIT(r[_pid])) & ALL;
       if
       :: buffer[_pid] != 0 -> queue = queue | buffer[_pid]; buffer[_pid] = 0; ask(0)
       :: else
       fi
    :: req[_pid] == OFF -> barrier = 0; black = 0
#ifdef WHITE_EARLY
    :: req[_pid] == WHITE_NOW -> black = 0
#endif
    fi;
    req[_pid] = NONE
  }
}

/* Between two choices of the loop is a safepoint; inside a choice is none. */
active [M] proctype mutator() {
  byte t = NIL; /* the target of a load, and no root before the load is over */
  bit barrier, black;
#ifdef EPHEMERON
  bit of_value; /* the load is of the ephemeron's value */
#define WORD (of_value -> value : cell)
#else
#define WORD cell
#endif
  do
  :: d_step { r[_pid] != fld[0] -> r[_pid] = fld[0] } /* r = root.f */
  :: d_step { r[_pid] != NIL -> assert(LIVE(r[_pid])); r[_pid] = fld[r[_pid]] } /* r = r.f */
  :: r[_pid] != fld[0] -> /* root.f = r, r may be nil */
#ifdef MARK_FIRST
     if
     :: d_step { barrier && WHITE(r[_pid]) && word != CLOSED -> greyobject(r[_pid], buffer[_pid]) };
        d_step { ask(0) }
#else
     if
     :: d_step { barrier && WHITE(r[_pid]) && word != CLOSED -> ask(0) };
        d_step { greyobject(r[_pid], buffer[_pid]) }
#endif
     :: else
     fi;
     d_step { assert(LIVE(r[_pid])); fld[0] = r[_pid] }
  :: d_step { /* r = new object that points to what r was; its first store needs the barrier too */
       alloc != ALL &&
#ifdef WHITE_EARLY
       (black || swept || barrier) ->
#else
       (black || swept) ->
#endif
       k = 0; do :: HAS(alloc, k) -> k++ :: else -> break od;
#ifdef WITNESS
       if :: HAS(freed, k) -> SEEN(1) :: else fi;
#endif
       alloc = alloc | BIT(k);
       if :: black -> mark = mark | BIT(k) :: else fi;
       if :: barrier -> shade(r[_pid]) :: else fi;
       fld[k] = r[_pid]; r[_pid] = k; k = 0
     }
  :: acknowledge()

#ifdef EPHEMERON
     /* A new ephemeron. Its key is loaded for this, and dropped again. The pass over the ephemerons may
      * be behind us, and the key marked. */
  :: d_step {
       cell == NIL && swept && fld[0] != NIL && r[_pid] != NIL ->
#ifndef VALUE_UNSHADED
       if :: barrier -> shade(r[_pid]) :: else fi;
#endif
       cell = fld[0]; value = r[_pid]
     }
#else
  :: d_step { cell == NIL && swept && r[_pid] != NIL -> cell = r[_pid] } /* a new cell */
#endif
#ifdef FINALIZER
  :: d_step {
       !barrier && swept && r[_pid] != NIL && r[_pid] != 0 && !HAS(finalizer, r[_pid]) ->
       finalizer = finalizer | BIT(r[_pid])
     }
  :: d_step {
       ready != 0 ->
       k = 0; do :: !HAS(ready, k) -> k++ :: else -> break od;
       if :: barrier -> SEEN(8) :: else fi;
       r[_pid] = k; ready = ready & ~BIT(k); k = 0
     }
#endif

     /* A weak load. With the barrier off nobody empties cells, so it is one step. */
  :: d_step { !barrier && cell != NIL -> assert(LIVE(cell) && !HAS(dead, cell)); r[_pid] = cell }
#ifdef EPHEMERON
  :: d_step { !barrier && cell != NIL && r[_pid] == cell -> assert(LIVE(value) && !HAS(dead, value)); r[_pid] = value }
  :: d_step { barrier && cell != NIL && r[_pid] == cell -> t = value; of_value = 1 };
     goto load
#endif
  #ifdef NO_LOADS
  :: false ->
#else
  :: d_step { barrier && cell != NIL -> t = cell };
#endif
load:
#ifdef SAFEPOINT_IN_LOAD
     do :: acknowledge() :: break od;
#endif
     if
     :: HAS(mark, t)
#if defined(NO_VETO)
     :: !HAS(mark, t)
#elif defined(PLAIN_VETO)
     :: !HAS(mark, t) && word != CLOSED ->
        d_step { ask(1) };
        d_step { greyobject(t, buffer[_pid]) }
#elif defined(MARK_FIRST)
     :: d_step { !HAS(mark, t) && word != CLOSED -> greyobject(t, buffer[_pid]) };
        d_step { ask(1) }
#else
     :: d_step {
          !HAS(mark, t) && word != CLOSED ->
#ifdef EPHEMERON
          if :: of_value && word == QUIET -> SEEN(11) :: else fi;
#endif
          ask(1)
        };
        d_step { greyobject(t, buffer[_pid]) }
#endif
#ifndef NO_VETO
     :: !HAS(mark, t) && word == CLOSED ->
        if
#ifdef GIVEN_WHEN_CLOSED
        :: d_step { greyobject(t, buffer[_pid]) }
#else
        :: HAS(mark, t)
        :: d_step { !HAS(mark, t) -> if :: WORD == t -> SEEN(3) :: else -> SEEN(4) fi }; goto gone
#endif
        fi
#endif
     fi;
     if
#ifdef NO_REREAD
     :: d_step { assert(!HAS(dead, t)); r[_pid] = t; t = NIL }
     :: false ->
#else
     :: d_step {
          WORD == t ->
          assert(!HAS(dead, t)); /* what was dead is not given, revived or not */
          if :: word == CLOSED -> SEEN(5) :: else fi;
          r[_pid] = t; t = NIL
        }
     :: WORD != t ->
#endif
gone:   skip; /* Promela: a goto may not lead straight into a d_step */
        d_step {
#ifdef FINALIZER
          if :: HAS(mark, t) -> SEEN(7) :: else fi;
#endif
          /* Nil only for what nobody can reach, but for what has come back. */
          reach(); assert(!HAS(reachable, t) || HAS(dead, t));
          r[_pid] = NIL; t = NIL
        }
     fi
#ifdef EPHEMERON
     ; of_value = 0
#endif
  od
}

inline handshake(what) {
  d_step { req[0] = what; req[1] = what };
  d_step { req[0] == NONE && req[1] == NONE -> skip }
}

#if !defined(EPHEMERON)
#define DUE false
#elif defined(PASS_ONCE)
#define DUE (first && cell != NIL && HAS(mark, cell) && WHITE(value))
#else
#define DUE (cell != NIL && HAS(mark, cell) && WHITE(value))
#endif

/* scanobject: mutators run between reading the field and greying what it held. */
inline scan(i) {
  d_step { HAS(queue, i) -> queue = queue & ~BIT(i); x = i };
  child = fld[x];
  d_step { greyobject(child, queue); x = NIL; child = NIL }
}

inline drain() {
  do
  :: scan(0)
  :: scan(1)
  :: scan(2)
#ifdef EPHEMERON
  :: d_step { queue == 0 && DUE -> SEEN(10); greyobject(value, queue) }
#endif
  :: queue == 0 && !DUE -> break
  od
}

/* For good: nobody writes a cell that was emptied. */
inline empty_cells() {
  d_step {
    if
    :: WHITE(cell) ->
       reach(); assert(!HAS(reachable, cell));
       SEEN(6);
       cell = NIL;
#ifdef EPHEMERON
       value = NIL
#endif
    :: else
    fi
  }
}

#ifdef FINALIZER
/* Scans what has a finalizer and is white, without marking it; what is white after the drain is revived. */
inline revive() {
  d_step { doomed = finalizer & ~mark; k = 0 };
#ifndef REVIVED_ALONE
  d_step { queue = queue | doomed };
  do /* a drain in which the root does not come up: it is black */
  :: scan(1)
  :: scan(2)
  :: queue == 0 -> break
  od;
#endif
  skip; /* Promela: a break may not lead straight into a d_step */
  d_step {
    if :: (doomed & mark) != 0 -> SEEN(9) :: else fi;
    doomed = doomed & ~mark;
    mark = mark | doomed;
    ready = ready | doomed;
    finalizer = finalizer & ~doomed;
    doomed = 0
  }
}
#endif

inline resolve() {
  d_step {
    words = words & ~mark;
    if :: words != 0 -> mark = mark | words; queue = queue | words; ask(0); words = 0 :: else fi
  }
}

inline close() {
  word = CLOSED; swept = 0; dead = alloc & ~mark;
  reach(); assert(queue == 0 && (reachable & ~mark) == 0)
}

inline sweep() {
  d_step {
    assert(cell == NIL || HAS(mark, cell));
    k = 0;
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
    alloc = mark; mark = 0; dead = 0; swept = 1
  }
}

active proctype coordinator() {
  byte x = NIL, child = NIL;
#ifdef FINALIZER
  byte doomed;
#endif
#ifdef PASS_ONCE
  bit first;
#endif
  do
  :: true ->
     assert(mark == 0);
#ifndef STAYS_CLOSED
     word = QUIET; /* before any barrier is on */
#endif
     handshake(BARRIER);
     handshake(BLACK);
#ifdef PASS_ONCE
     first = 1;
#endif
     d_step {
       greyobject(0, queue);
#if defined(FINALIZER) && !defined(QUEUE_NO_ROOT)
       queue = queue | (ready & ~mark); mark = mark | ready
#endif
     };
     do
     :: true ->
#ifdef WITNESS
        vetoed = 0;
#endif
        word = QUIET;
        drain();
#ifdef PASS_ONCE
        first = 0;
#endif
        handshake(SCAN);
#ifndef JUDGE_UNRESOLVED
        resolve();
#endif
        if
#ifdef PLAIN_CLOSE
        :: word == QUIET -> d_step { close() }; break
#else
        :: d_step { word == QUIET -> close() }; break
#endif
        :: word != QUIET -> SEEN_VETO
        fi
#ifdef JUDGE_UNRESOLVED
        ; resolve()
#endif
     od;
#ifdef WHITE_EARLY
     handshake(WHITE_NOW);
#endif
#if defined(REVIVED_FIRST)
     revive();
     empty_cells();
#elif !defined(EMPTIED_LATE)
     empty_cells();
#ifdef FINALIZER
     revive();
#endif
#endif
     handshake(OFF);
#if EMPTIED_LATE == 1
     empty_cells();
#endif
     sweep();
#if EMPTIED_LATE == 2
     d_step { if :: cell != NIL && !HAS(alloc, cell) -> cell = NIL :: else fi }
#endif
  od
}
