/* SPDX-License-Identifier: MIT
 *
 * handshakes.pml: how a cycle starts, when it may end, and what a store must do in between.
 *
 * Two mutators with two registers each share three objects of one field. Object 0 is the global root
 * and is always live. One collector runs cycles for ever: barrier on (H1), allocate black (H2), rounds of
 * { clear the flag, drain, scan every mutator's registers (H3) } until a round shades nothing, barrier
 * off (H4), allocate white (H5), sweep. A handshake is a word per mutator that the collector fills and
 * the mutator empties at a safepoint of its own: nobody is ever stopped.
 *
 * Rules (README.md) held to account: 1 (two start handshakes, in this order), 2 (rounds until
 * quiet), 3 (when the flag is cleared), 4 (an acknowledgement is a full barrier), 5 (no safepoint between
 * a barrier and its store; black objects need the barrier too), 6 (a root without a barrier has one owner), and
 * the last resort of a program whose rounds do not end: its mutators are held for the rest of them.
 *
 * What must hold: no mutator touches a freed slot, and at the sweep a marked object points only to marked
 * ones. The second is stronger than "no live object is freed": it also covers objects that died marked,
 * which a conservative stack word can bring back.
 *
 * Left out: local buffers and assists (termination.pml), blocked threads (blocked.pml), spans and cached
 * runs (sweep.pml). H3's scan of one mutator is one step: the collector does not mark meanwhile, so the
 * order within it shows nowhere.
 *
 * Variants, one a line, read by ./run: what must come out, a name, the switches.
 *   RUN holds    sc
 *   RUN holds    tso               -DTSO
 *   RUN holds    store-first       -DTSO -DSTORE_FIRST
 *   RUN holds    round-bound       -DCOUNT_ROUNDS
 *   RUN holds    global-root       -DGLOBAL
 *   RUN holds    escalation        -DESCALATE
 *   RUN refuted  no-barrier        -DNO_BARRIER
 *   RUN refuted  one-start         -DONE_START
 *   RUN refuted  black-first       -DBLACK_FIRST
 *   RUN refuted  allocate-white    -DALLOCATE_WHITE
 *   RUN refuted  late-clear        -DLATE_CLEAR
 *   RUN refuted  one-round         -DONE_ROUND
 *   RUN refuted  safepoint-inside  -DSAFEPOINT_INSIDE
 *   RUN refuted  shade-late        -DSTORE_FIRST -DSHADE_LATE
 *   RUN refuted  no-fence          -DTSO -DNO_FENCE
 *   RUN refuted  global-bare       -DGLOBAL -DGLOBAL_BARE
 *   RUN refuted  range-of-two      -DRANGE_OF_TWO
 *   RUN refuted  held-unscanned    -DESCALATE -DHELD_UNSCANNED
 *   RUN reached  slot-reuse        -DWITNESS=1
 *   RUN reached  third-round       -DCOUNT_ROUNDS -DWITNESS=2
 *   RUN reached  held-and-shaded   -DESCALATE -DWITNESS=3
 *
 * Switches
 *   TSO               x86 memory order: a field store waits in a one-entry buffer of its mutator
 *   STORE_FIRST       the barrier follows the store: equally right, as long as no safepoint is between
 *   COUNT_ROUNDS      counts H3 handshakes of a cycle: never more than there are objects
 *   GLOBAL            a second global root, greyed once after H2: one mutator stores into it, by the barrier,
 *                     and the other reads it
 *   ESCALATE          after a first round that is not quiet the mutators are held, each from a safepoint on
 *   NO_BARRIER        fault: stores shade nothing
 *   ONE_START         fault: one handshake turns on the barrier and black allocation
 *   BLACK_FIRST       fault: black allocation is on before the barrier is
 *   ALLOCATE_WHITE    fault: allocation stays white while marking
 *   LATE_CLEAR        fault: the flag is cleared between the drain and H3
 *   ONE_ROUND         fault: what the first H3 shades is drained, but registers are not looked at again
 *   SAFEPOINT_INSIDE  fault: safepoints between the barrier and its store
 *   SHADE_LATE        fault: safepoints between the store and a barrier that reads the slot back
 *   GLOBAL_BARE       fault: it stores into it without one
 *   RANGE_OF_TWO      fault: a slot scanned with the registers of one mutator, stored into without a barrier by
 *                     the other
 *   HELD_UNSCANNED    fault: once the mutators are held, the cycle ends without another round
 *   NO_FENCE          fault: a mutator acknowledges with a store still in its buffer
 *   WITNESS=n         the search must come to SEEN(n): proof that the model does something
 *
 * By hand:  spin -DTSO -a handshakes.pml && cc -O2 -w -DSAFETY -o pan pan.c && ./pan -m1000000 -w24
 *           after an error: spin -DTSO -t -p -g -l handshakes.pml shows the way there
 * Measured: sc 1.73 M states, tso 5.00 M, store-first 5.20 M, round-bound 2.17 M. */

#define M 2 /* mutators */
#define N 3 /* objects */
#define NIL N
#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define LIVE(x) ((x) == NIL || HAS(alloc, x))

/* What a mutator can be asked to acknowledge. */
#define NONE 0
#define BARRIER 1
#define BLACK 2
#define BARRIER_BLACK 3 /* only in the fault ONE_START */
#define SCAN 4
#define OFF 5
#define WHITE 6
#define HOLD 7

#ifdef WITNESS
#define SEEN(n) assert(WITNESS != (n))
#else
#define SEEN(n) skip
#endif

/* The heap: sets of objects as bits, as the runtime has them. White is allocated and not marked, grey is
 * marked and queued, black is marked and scanned. */
byte alloc = 1;
byte mark;
byte grey;
byte fld[N] = NIL;

bit shaded;    /* a mutator has shaded something since the flag was cleared */
bit swept = 1; /* off from quiet to the sweep: no slot of an unswept heap is handed out white (rule 10) */
byte req[M];
#if defined(GLOBAL) || defined(RANGE_OF_TWO)
byte root = NIL; /* a slot off the heap: one mutator writes it, the other reads it */
#endif
#ifdef ESCALATE
bit held[M]; /* at a safepoint, where it answers and does nothing else */
#define FREE !held[_pid]
#else
#define FREE true
#endif
#ifdef WITNESS
byte freed; /* slots that the last sweep freed */
#endif
hidden byte k; /* scratch inside one step */

/* Mark and queue, as one step: the runtime's is an atomic OR on the mark word. */
inline greyobject(x) {
  if
  :: x != NIL && !HAS(mark, x) -> mark = mark | BIT(x); grey = grey | BIT(x)
  :: else
  fi
}

/* A mutator's greyobject sets the flag, the collector's does not: its own work cannot veto quiet. */
inline shade(x) {
  if
  :: x != NIL && !HAS(mark, x) -> mark = mark | BIT(x); grey = grey | BIT(x); shaded = 1
  :: else
  fi
}

/* x86-TSO: a mutator sees its own pending store, everyone else sees memory. Shading is a locked
 * instruction and would empty the buffer too; not doing so here lets more happen. */
#ifdef TSO
#define FIELD(x) (pending_obj == (x) -> pending_val : fld[x])
#define ROOM (pending_obj == NIL)
#else
#define FIELD(x) fld[x]
#define ROOM true
#endif
#if defined(TSO) && !defined(NO_FENCE)
#define FENCED (pending_obj == NIL)
#else
#define FENCED true
#endif

inline store() {
  d_step {
    assert(LIVE(a) && LIVE(b));
#ifdef TSO
    pending_obj = a; pending_val = b
#else
    fld[a] = b
#endif
  }
}

inline acknowledge() {
  d_step {
    FENCED && req[_pid] != NONE ->
    if
    :: req[_pid] == BARRIER -> barrier = 1
    :: req[_pid] == BLACK -> black = 1
    :: req[_pid] == BARRIER_BLACK -> barrier = 1; black = 1
    :: req[_pid] == SCAN ->
       shade(a); shade(b)
#ifdef RANGE_OF_TWO
       ; if :: _pid == 0 -> shade(root) :: else fi
#endif
#ifdef ESCALATE
       ; if :: held[_pid] && shaded -> SEEN(3) :: else fi
    :: req[_pid] == HOLD -> held[_pid] = 1
#endif
    :: req[_pid] == OFF -> barrier = 0
    :: req[_pid] == WHITE -> black = 0
    fi;
    req[_pid] = NONE
  }
}

/* A mutator does, in any order and for ever, what a program can do to pointers. Between two choices of
 * the loop is a safepoint; inside a choice is none. */
active [M] proctype mutator() {
  byte a = 0, b = NIL; /* registers: its roots */
  bit barrier, black;  /* its own copy of the phase, changed only by its acknowledgements */
#ifdef TSO
  byte pending_obj = NIL, pending_val = NIL;
#endif
  do
  :: d_step { FREE && FIELD(a) != b -> assert(LIVE(a)); b = FIELD(a) } /* b = a.f */
  :: FREE && FIELD(a) != b && ROOM ->                                  /* a.f = b, b may be nil */
#ifdef STORE_FIRST
     store();
#ifdef SHADE_LATE
     b = NIL; /* the register is reused: only the slot still knows the value */
     do :: acknowledge() :: break od;
     b = FIELD(a);
#endif
     if :: barrier -> d_step { shade(b) } :: else fi
#else
#ifndef NO_BARRIER
     if :: barrier -> d_step { shade(b) } :: else fi;
#endif
#ifdef SAFEPOINT_INSIDE
     do :: acknowledge() :: break od;
#endif
     store()
#endif
  :: d_step { FREE && b != NIL && a != b -> a = b } /* a = b: walk on */
  :: d_step { FREE && a != 0 -> a = 0 }             /* a = the global root */
#if defined(GLOBAL) || defined(RANGE_OF_TWO)
  :: d_step { _pid == 0 && root != b -> assert(LIVE(root)); b = root }
  :: _pid == 1 && b != NIL && root != b ->
#if defined(GLOBAL) && !defined(GLOBAL_BARE)
     if :: barrier -> d_step { shade(b) } :: else fi;
#endif
     d_step { assert(LIVE(b)); root = b }
#endif
  :: d_step {                               /* b = new object */
       FREE && alloc != BIT(N) - 1 && (black || swept) ->
       k = 0; do :: HAS(alloc, k) -> k++ :: else -> break od;
       alloc = alloc | BIT(k);
#ifndef ALLOCATE_WHITE
       if :: black -> mark = mark | BIT(k) :: else fi;
#endif
#ifdef WITNESS
       if :: HAS(freed, k) -> SEEN(1) :: else fi; /* a freed slot is allocated again */
#endif
       fld[k] = NIL; b = k; k = 0
     }
  :: acknowledge()
#ifdef TSO
  :: d_step { !ROOM -> fld[pending_obj] = pending_val; pending_obj = NIL; pending_val = NIL }
#endif
  od
}

inline handshake(what) {
  d_step { req[0] = what; req[1] = what };
  d_step { req[0] == NONE && req[1] == NONE -> skip }
}

/* scanobject: mutators run between reading the field and greying what it held. */
inline scan() {
  child = fld[x];
  d_step { greyobject(child); grey = grey & ~BIT(x); x = NIL; child = NIL }
}

/* Any grey object may come next. */
inline drain() {
  do
  :: HAS(grey, 0) -> x = 0; scan()
  :: HAS(grey, 1) -> x = 1; scan()
  :: HAS(grey, 2) -> x = 2; scan()
  :: grey == 0 -> break
  od
}

/* One step for the whole heap; sweep.pml has it span by span. Fields of freed slots are cleared here
 * rather than at allocation: fewer states, and nobody can tell. */
inline sweep() {
  d_step {
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
    alloc = mark; mark = 0; swept = 1
  }
}

active proctype collector() {
  byte x = NIL, child = NIL;
#if defined(COUNT_ROUNDS) || defined(ESCALATE)
  byte round;
#endif
  do
  :: true ->
     assert(mark == 0);
#if defined(ONE_START)
     handshake(BARRIER_BLACK);
#elif defined(BLACK_FIRST)
     handshake(BLACK);
     handshake(BARRIER);
#else
     handshake(BARRIER);
     handshake(BLACK);
#endif
     d_step { greyobject(0) }; /* the global root */
#ifdef GLOBAL
     d_step { greyobject(root) };
#endif
     do
     :: true ->
#ifndef LATE_CLEAR
        shaded = 0;
#endif
        drain();
#ifdef LATE_CLEAR
        shaded = 0;
#endif
        handshake(SCAN);
#ifdef COUNT_ROUNDS
        /* A round that is not quiet has marked an object that was white at the start, so rounds end. */
        d_step { round++; assert(round <= N); if :: round == 3 -> SEEN(2) :: else fi };
#endif
#if defined(ONE_ROUND)
        drain();
        break
#elif defined(ESCALATE)
        /* Held, the mutators make no more work: what they still have is shaded in the first of the rounds. */
        d_step { round++; assert(round <= 3) };
        if
        :: !shaded -> break
        :: shaded && round == 1 -> handshake(HOLD)
        :: shaded && round > 1
        fi
#ifdef HELD_UNSCANNED
        ; if :: held[0] -> break :: else fi
#endif
#else
        if :: shaded :: else -> break fi
#endif
     od;
     swept = 0;
#ifdef ESCALATE
     d_step { held[0] = 0; held[1] = 0; round = 0 };
#endif
     handshake(OFF);
     handshake(WHITE);
#ifdef COUNT_ROUNDS
     round = 0;
#endif
     sweep()
  od
}
