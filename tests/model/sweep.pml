/* SPDX-License-Identifier: MIT
 *
 * sweep.pml: spans, cached runs and sweep generations.
 *
 * Two mutators allocate from two spans of two slots each. A mutator caches a span, takes a free slot of it
 * as its run (refill: allocation bit, and mark bit if it allocates black), and hands the slot out later
 * without another look (the fast path); a slot taken and not handed out is the tail. The heap has a sweep
 * generation, every mutator and every span one of its own. Marking is abstract: between H2 and H4 it marks
 * any allocated slots an ambiguous word may point to, and then all live ones. Then H4 (barrier off), the
 * heap's generation goes up, H5 (allocate white: drop the cache, clear the tail, adopt the generation).
 * A background sweeper and the mutators sweep span by span.
 *
 * Who may allocate from a span of the shared list, by generations:
 *
 *   the span's is the mutator's own   allocate: white if it has acknowledged H5, else black
 *   one older (one allocates white)   sweep it, stamp it with one's own, allocate white
 *   one newer (not yet acknowledged)  leave it: it is swept, and a black slot would stay marked
 *   a fresh span (no pages yet)       stamp it with one's own, even if the heap's is newer
 *
 * Rules (README.md) held to account: 10 (sweeping), 1 (H2 blackens the cached run), 13's
 * ambiguous words, and that H4 and H5 are two handshakes.
 *
 * What must hold: no live object is freed or handed out twice; only allocated slots are marked when a span
 * is swept (`alloc = mark` would make an object of a slot that never held one: unswept garbage in the
 * accounts, or clobbered memory for the next marker); no slot is marked when a cycle starts (a stale mark
 * hides an object from the marker, and its children die).
 *
 * Left out: objects' fields, rounds and queues (handshakes.pml, termination.pml); a run is one slot.
 *
 * Variants, one a line, read by ./run: what must come out, a name, the switches.
 *   RUN holds    all
 *   RUN refuted  fresh-span-new     -DFRESH_SPAN_NEW
 *   RUN refuted  sweep-cached       -DSWEEP_CACHED
 *   RUN refuted  tail-stays-marked  -DTAIL_STAYS_MARKED
 *   RUN refuted  black-sweeps       -DBLACK_SWEEPS
 *   RUN refuted  looks-by-gen       -DLOOKS_BY_GENERATION
 *   RUN refuted  run-stays-white    -DRUN_STAYS_WHITE
 *   RUN refuted  cache-kept         -DCACHE_KEPT
 *   RUN refuted  one-end            -DONE_END
 *   RUN refuted  late-bump          -DLATE_BUMP
 *   RUN refuted  attach-between     -DATTACH_BETWEEN
 *   RUN refuted  white-early        -DWHITE_EARLY
 *   RUN refuted  unswept-start      -DUNSWEPT_START
 *   RUN refuted  tail-cleared-early -DTAIL_CLEARED_EARLY
 *   RUN refuted  white-tail-cleared -DWHITE_TAIL_CLEARED
 *   RUN reached  slot-reuse         -DWITNESS=1
 *   RUN reached  sweep-during-h5    -DWITNESS=2
 *   RUN reached  black-after-bump   -DWITNESS=3
 *   RUN reached  span-released      -DWITNESS=4
 *
 * Switches
 *   FRESH_SPAN_NEW      fault: a mutator that has not acknowledged H5 stamps a fresh span with the heap's
 *                       generation instead of its own
 *   SWEEP_CACHED        fault: the sweeper sweeps spans that a mutator has cached
 *   TAIL_STAYS_MARKED   fault: dropping the cache clears the tail's allocation bit but not its mark
 *   BLACK_SWEEPS        fault: a mutator that still allocates black goes by the heap's generation, sweeps
 *   LOOKS_BY_GENERATION fault: a mutator looks for unswept spans when its generation is the heap's, though
 *                       it allocates black; when it looks, the list may hold spans of the next generation
 *   RUN_STAYS_WHITE     fault: H2 does not blacken the cached run
 *   CACHE_KEPT          fault: H5 does not drop the cache
 *   ONE_END             fault: one handshake for barrier off and allocate white
 *   LATE_BUMP           fault: the heap's generation goes up after H5 is posted
 *   ATTACH_BETWEEN      fault: a thread attaches after the heap's generation went up and before H5 is
 *                       posted, and adopts the new generation while it still allocates black
 *   WHITE_EARLY         fault: refill goes by a colour of the heap's, which turns white when H5 is posted,
 *                       instead of the mutator's own
 *   UNSWEPT_START       fault: a cycle starts before every span is swept
 *   TAIL_CLEARED_EARLY  fault: a span given back while marking (a detach) has its tail cleared; a marker
 *                       that saw the allocation bit just before sets the mark just after
 *   WHITE_TAIL_CLEARED  fault: so it is between H1 and H2, by a thread that does not allocate black yet; there it
 *                       is another's barrier that has seen the allocation bit
 *   WITNESS=n           the search must come to SEEN(n): proof that the model does something
 *
 * By hand:  spin -a sweep.pml && cc -O2 -w -DSAFETY -o pan pan.c && ./pan -m1000000 -w24
 *           after an error: spin -t -p -g -l sweep.pml shows the way there (same -D switches)
 * Measured: all 10.2 M states. */

#define M 2 /* mutators; the number of spans and slots is written out below */
#define NIL 7
#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define SLOTS(s) (3 << (2 * (s))) /* span s has slots 2s and 2s + 1 */
#define SPAN_OF(i) ((i) / 2)
#define ROOM(s) ((alloc & SLOTS(s)) != SLOTS(s))

/* No two generations alive are more than one apart, so that the shared lists, which are two, by parity, are
 * the swept and the unswept one. Four values, so that a generation is told from the one before last. */
#define NEXT(g) (((g) + 1) % 4)
#define PARITY(g) ((g) & 1)

/* Who holds a span: a mutator (0, 1), or one of these. */
#define SWEEPER 2
#define LISTED 3
#define FRESH 4

/* What a mutator can be asked to acknowledge. */
#define NONE 0
#define BARRIER 1
#define BLACK 2
#define OFF 3
#define WHITE 4
#define OFF_WHITE 5 /* only in the fault ONE_END */

#ifdef WITNESS
#define SEEN(n) assert(WITNESS != (n))
#else
#define SEEN(n) skip
#endif

byte alloc, mark;      /* sets of slots, as in the runtime */
byte live;             /* what some mutator can reach; which one does not matter */
byte sweepgen;         /* the heap's generation */
byte gen[2];           /* a span's */
byte owner[2] = FRESH;
byte req[M];
#ifdef WITNESS
byte freed; /* slots that some sweep freed and nobody took since */
#endif

/* Two steps: whatever happened to the span between them would be lost. Its owner is the sweeper or the
 * mutator that sweeps, so nothing does. */
inline sweep(s, then, now) {
  d_step {
    assert((live & SLOTS(s) & ~mark) == 0); /* no live object is freed */
    assert((mark & SLOTS(s) & ~alloc) == 0); /* only allocated slots are marked */
#ifdef WITNESS
    freed = freed | (alloc & SLOTS(s) & ~mark);
#endif
    alloc = (alloc & ~SLOTS(s)) | (mark & SLOTS(s))
  };
  d_step { mark = mark & ~SLOTS(s); gen[s] = now; owner[s] = then }
}

/* Cache span s, swept or fresh, if the table above allows it. */
inline cache(s) {
  if
  :: d_step {
       span == NIL && owner[s] == LISTED && PARITY(gen[s]) == PARITY(mygen) && ROOM(s) ->
       assert(gen[s] == mygen);
       if :: mygen != sweepgen -> SEEN(3) :: else fi;
       owner[s] = _pid; span = s
     }
  :: d_step {
       span == NIL && owner[s] == FRESH ->
       owner[s] = _pid; span = s;
#ifdef FRESH_SPAN_NEW
       gen[s] = sweepgen
#else
       gen[s] = mygen
#endif
     }
  fi
}

#if defined(BLACK_SWEEPS)
#define MAY_LOOK true
#define IS_UNSWEPT(s) (gen[s] != sweepgen)
#define SWEPT_NOW sweepgen
#else
#ifdef LOOKS_BY_GENERATION
#define MAY_LOOK (mygen == sweepgen)
#else
#define MAY_LOOK (!black)
#endif
#define IS_UNSWEPT(s) (PARITY(gen[s]) != PARITY(mygen))
#define SWEPT_NOW mygen
#endif
inline pop_unswept(s) {
  d_step { owner[s] == LISTED && IS_UNSWEPT(s) -> owner[s] = _pid };
  assert(NEXT(gen[s]) == SWEPT_NOW);
  sweep(s, _pid, SWEPT_NOW);
  d_step { if :: req[1 - _pid] == WHITE -> SEEN(2) :: else fi; span = s }
}
/* Whether to look and the look itself are two steps: others go on between them. */
inline cache_unswept() {
  d_step { span == NIL && MAY_LOOK -> skip };
  if
  :: pop_unswept(0)
  :: pop_unswept(1)
  :: true -> skip /* neither is there */
  fi
}

#ifdef WHITE_EARLY
#define ALLOCATES_BLACK (black && mygen == sweepgen)
#else
#define ALLOCATES_BLACK black
#endif
inline refill(i) {
  d_step {
    span == SPAN_OF(i) && tail == NIL && !HAS(alloc, i) ->
    assert(!HAS(live, i)); /* no live object is handed out again */
    alloc = alloc | BIT(i);
    if :: ALLOCATES_BLACK -> mark = mark | BIT(i) :: else fi;
#ifdef WITNESS
    if :: HAS(freed, i) -> SEEN(1) :: else fi;
    freed = freed & ~BIT(i);
#endif
    tail = i
  }
}

/* H5: marking is over, so the tail can become a free slot again, mark and all. */
inline drop_cache() {
  if
  :: tail != NIL ->
     alloc = alloc & ~BIT(tail);
#ifndef TAIL_STAYS_MARKED
     mark = mark & ~BIT(tail);
#endif
     tail = NIL
  :: else
  fi;
  if :: span != NIL -> owner[span] = LISTED; span = NIL :: else fi
}

/* At any time but with a request unanswered, as a detaching thread does. From H1 on somebody may be about to
 * set a tail's mark, and it stays as it is, garbage until the next cycle; before that it may be cleared. */
#ifdef WHITE_TAIL_CLEARED
#define NOBODY_MARKS (!black)
#else
#define NOBODY_MARKS (!black && !barrier)
#endif
inline give_back() {
  if
  :: tail != NIL && NOBODY_MARKS -> alloc = alloc & ~BIT(tail)
#ifdef TAIL_CLEARED_EARLY
  :: tail != NIL && black -> alloc = alloc & ~BIT(tail); mark = mark & ~BIT(tail)
#endif
  :: else
  fi;
  tail = NIL; owner[span] = LISTED; span = NIL
}

inline acknowledge() {
  if
  :: req[_pid] == BARRIER -> barrier = 1
  :: req[_pid] == BLACK ->
     black = 1;
#ifndef RUN_STAYS_WHITE
     if :: tail != NIL -> mark = mark | BIT(tail) :: else fi
#endif
  :: req[_pid] == OFF -> barrier = 0
  :: req[_pid] == WHITE || req[_pid] == OFF_WHITE ->
     if :: req[_pid] == OFF_WHITE -> barrier = 0 :: else fi;
     black = 0; mygen = sweepgen;
#ifndef CACHE_KEPT
     drop_cache()
#endif
  fi;
  req[_pid] = NONE
}

inline lose(i) { d_step { HAS(live, i) -> live = live & ~BIT(i) } }
/* With the barrier on, a store of an address in slot i: by an interior pointer it may also be a tail's, so the
 * allocation bit is looked at, and in a second step the mark is set. */
inline shade(i) {
  d_step { barrier && HAS(alloc, i) -> skip };
  d_step { mark = mark | BIT(i) }
}

active [M] proctype mutator() {
  byte span = NIL, tail = NIL; /* the cached span, and the slot taken from it */
  byte mygen;
  bit barrier, black;
  do
  :: cache(0)
  :: cache(1)
  :: cache_unswept()
  :: refill(0)
  :: refill(1)
  :: refill(2)
  :: refill(3)
  :: d_step { tail != NIL -> assert(HAS(alloc, tail)); live = live | BIT(tail); tail = NIL } /* allocate */
  :: d_step { span != NIL && req[_pid] == NONE -> give_back() }
#ifdef ATTACH_BETWEEN
  :: d_step { span == NIL && req[_pid] == NONE && mygen != sweepgen -> mygen = sweepgen }
#endif
  :: lose(0)
  :: lose(1)
  :: lose(2)
  :: lose(3)
  :: shade(0)
  :: shade(1)
  :: shade(2)
  :: shade(3)
  :: d_step { req[_pid] != NONE -> acknowledge() }
  od
}

#ifdef SWEEP_CACHED
#define MAY_SWEEP(s) (owner[s] != FRESH && gen[s] != sweepgen)
#define BEGIN_SWEEP(s) skip
#define AFTER_SWEEP(s) owner[s]
#else
#define MAY_SWEEP(s) (owner[s] == LISTED && gen[s] != sweepgen)
#define BEGIN_SWEEP(s) owner[s] = SWEEPER
#define AFTER_SWEEP(s) ((alloc & SLOTS(s)) != 0 -> LISTED : FRESH) /* an empty span loses its pages */
#endif
inline sweep_one(s) {
  d_step { MAY_SWEEP(s) -> BEGIN_SWEEP(s) };
  sweep(s, AFTER_SWEEP(s), sweepgen)
#ifdef WITNESS
  ; d_step { if :: owner[s] == FRESH -> SEEN(4) :: else fi }
#endif
}

active proctype sweeper() {
  do
  :: sweep_one(0)
  :: sweep_one(1)
  od
}

inline post(what) {
  d_step { req[0] = what; req[1] = what }
}
inline answered() {
  d_step { req[0] == NONE && req[1] == NONE -> skip }
}

/* A conservative marker tests the allocation bit in one step and sets the mark in another. */
inline mark_ambiguous(i) {
  HAS(alloc, i) -> mark = mark | BIT(i)
}

#define SWEPT(s) (owner[s] == FRESH || gen[s] == sweepgen)

active proctype coordinator() {
  do
  :: true ->
#ifndef UNSWEPT_START
     d_step { SWEPT(0) && SWEPT(1) -> assert(mark == 0) };
#endif
     post(BARRIER); answered();
     post(BLACK); answered();
     do
     :: mark_ambiguous(0)
     :: mark_ambiguous(1)
     :: mark_ambiguous(2)
     :: mark_ambiguous(3)
     :: break
     od;
     mark = mark | live;
#if defined(ONE_END)
     sweepgen = NEXT(sweepgen);
     post(OFF_WHITE); answered()
#elif defined(LATE_BUMP)
     post(OFF); answered();
     post(WHITE);
     sweepgen = NEXT(sweepgen);
     answered()
#else
     post(OFF); answered();
     sweepgen = NEXT(sweepgen);
     post(WHITE); answered()
#endif
  od
}
