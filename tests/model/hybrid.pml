/* SPDX-License-Identifier: MIT
 *
 * hybrid.pml: the barrier that shades both values, and registers that are looked at once.
 *
 * Two mutators with two registers each share three objects of one field; object 0 is the global root. A
 * store shades what the slot held and what it is to hold, in this order, then writes; between these steps
 * the other mutator may store to the same slot. Start and end are as in handshakes.pml: barrier on (H1),
 * allocate black (H2), rounds, barrier off and allocate white in one (H4, H5). A round is { clear the flag,
 * drain, H3, resolve, judge }. In the first H3 after its H1 a mutator gives away the words of its registers,
 * which the coordinator resolves before it judges; later ones ask nothing but an answer. From its first
 * H3 on a mutator's registers are black: it may load what is white, but what it loads stays reachable for
 * the marker, or is shaded by whoever cuts it off.
 *
 * Rules (README.md) held to account: 12 (every overwrite goes through the barrier, nil too),
 * 9 (words are resolved before the round is judged), and 1 for this barrier.
 *
 * What must hold: no mutator touches a freed object; when the round is quiet everything that a register or
 * the root can reach is marked; at the sweep a marked object points only to marked ones.
 *
 * Left out: local buffers and markers (termination.pml; a shade goes to the queue here), weak loads (weak.pml), threads that come and go:
 * one that attaches while marking has no registers yet, one that detaches shades them (blocked.pml).
 *
 * Variants, one a line, read by ./run: what must come out, a name, the switches.
 *   RUN holds    all
 *   RUN holds    one-round          -DONE_ROUND
 *   RUN refuted  old-unshaded       -DOLD_UNSHADED
 *   RUN refuted  new-unshaded       -DNEW_UNSHADED
 *   RUN refuted  nil-unshaded       -DNIL_UNSHADED
 *   RUN refuted  store-first        -DSTORE_FIRST
 *   RUN refuted  safepoint-inside   -DSAFEPOINT_INSIDE
 *   RUN refuted  scanned-at-h1      -DSCANNED_AT_H1
 *   RUN refuted  scanned-last-cycle -DSCANNED_LAST_CYCLE
 *   RUN refuted  allocate-white     -DALLOCATE_WHITE
 *   RUN refuted  judge-unresolved   -DJUDGE_UNRESOLVED
 *   RUN reached  slot-reuse         -DWITNESS=1
 *   RUN reached  third-round        -DWITNESS=2
 *   RUN reached  white-register     -DWITNESS=3
 *   RUN reached  old-greyed         -DWITNESS=4
 *
 * Switches
 *   ONE_ROUND           what the first H3 gave is drained, and that is all: enough here, where shades go straight
 *                       to the queue. Judging rounds is for what mutators keep in buffers
 *   OLD_UNSHADED        fault: the old value is not shaded, as in the Dijkstra barrier
 *   NEW_UNSHADED        fault: the new value is not shaded, as in the Yuasa barrier
 *   NIL_UNSHADED        fault: a store of nil shades nothing
 *   STORE_FIRST         fault: the old value is read from the slot when the new one is in it
 *   SAFEPOINT_INSIDE    fault: safepoints between the barrier and its store
 *   SCANNED_AT_H1       fault: registers are given away in H1's acknowledgement, when others have no barrier
 *   SCANNED_LAST_CYCLE  fault: H1 does not forget that they were given away in the cycle before
 *   ALLOCATE_WHITE      fault: allocation stays white while marking
 *   JUDGE_UNRESOLVED    fault: the round is judged before the words are resolved
 *   WITNESS=n           the search must come to SEEN(n): proof that the model does something
 *
 * By hand:  spin -a hybrid.pml && cc -O2 -w -DSAFETY -o pan pan.c && ./pan -m1000000 -w24
 *           after an error: spin -t -p -g -l hybrid.pml shows the way there (same -D switches)
 * Measured: all 13.9 M states, one-round 8.63 M. */

#define M 2 /* mutators */
#define N 3 /* objects; 0 is the global root */
#define NIL N
#define ALL (BIT(N) - 1)
#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define LIVE(x) ((x) == NIL || HAS(alloc, x))
#define WHITE(x) ((x) != NIL && !HAS(mark, x))

/* What a mutator can be asked to acknowledge. */
#define NONE 0
#define BARRIER 1
#define BLACK 2
#define SCAN 3
#define OFF 4

#ifdef WITNESS
#define SEEN(n) assert(WITNESS != (n))
#else
#define SEEN(n) skip
#endif

/* White is allocated and not marked; grey is marked and in the queue; black is marked and scanned. */
byte alloc = 1;
byte mark;
byte queue;
byte fld[N] = NIL;
byte words;    /* what H3 copied from registers, as a set: not resolved yet */
bit flag;      /* another round is wanted */
bit swept = 1; /* off from quiet to the sweep: no slot of an unswept heap is handed out white */

/* One of each a mutator. Registers are global because the assertions follow them. */
byte a[M];       /* an object that it is at, never nil */
byte b[M] = NIL; /* a value */
bit scanned[M];
byte req[M];
#ifdef WITNESS
byte freed;
#endif
hidden byte k, reachable; /* scratch inside one step */

/* Sets `reachable`: what mutators can come to. */
inline reach() {
  reachable = (1 | BIT(a[0]) | BIT(a[1]) | BIT(b[0]) | BIT(b[1])) & ALL;
  k = 0;
  do
  :: k < N * N ->
     if
     :: HAS(reachable, k % N) && fld[k % N] != NIL -> reachable = reachable | BIT(fld[k % N])
     :: else
     fi;
     k++
  :: else -> break
  od;
  k = 0
}

inline greyobject(x) {
  if
  :: WHITE(x) -> mark = mark | BIT(x); queue = queue | BIT(x)
  :: else
  fi
}
inline shade(x) {
  if
  :: WHITE(x) -> mark = mark | BIT(x); queue = queue | BIT(x); flag = 1
  :: else
  fi
}

inline give_words() {
  if
  :: !scanned[_pid] -> words = (words | BIT(a[_pid]) | BIT(b[_pid])) & ALL; scanned[_pid] = 1
  :: else
  fi
}
inline acknowledge() {
  d_step {
    req[_pid] != NONE ->
    if
    :: req[_pid] == BARRIER ->
       barrier = 1;
#ifndef SCANNED_LAST_CYCLE
       scanned[_pid] = 0;
#endif
#ifdef SCANNED_AT_H1
       give_words()
#endif
    :: req[_pid] == BLACK -> black = 1
    :: req[_pid] == SCAN -> give_words()
    :: req[_pid] == OFF -> barrier = 0; black = 0
    fi;
    req[_pid] = NONE
  }
}

/* What a.f holds, while it holds it: another mutator may overwrite it before this one does. */
inline shade_old() {
#ifndef OLD_UNSHADED
  d_step {
    old = fld[a[_pid]];
    if :: barrier && WHITE(old) -> SEEN(4) :: else fi
  };
  d_step { if :: barrier -> shade(old) :: else fi; old = NIL };
#endif
  skip
}
inline shade_new() {
#ifndef NEW_UNSHADED
  d_step { if :: barrier -> shade(b[_pid]) :: else fi };
#endif
  skip
}
inline store() {
  d_step { assert(LIVE(a[_pid]) && LIVE(b[_pid])); fld[a[_pid]] = b[_pid] }
}

/* Between two choices of the loop is a safepoint; inside a choice is none. */
active [M] proctype mutator() {
  byte old = NIL;
  bit barrier, black;
  do
  :: d_step { /* b = a.f */
       fld[a[_pid]] != b[_pid] ->
       assert(LIVE(a[_pid]));
       b[_pid] = fld[a[_pid]];
       if :: scanned[_pid] && barrier && WHITE(b[_pid]) -> SEEN(3) :: else fi
     }
  :: !barrier && fld[a[_pid]] != b[_pid] -> store()
  :: barrier && fld[a[_pid]] != b[_pid] -> /* a.f = b, b may be nil */
#ifdef NIL_UNSHADED
     if :: b[_pid] == NIL -> goto shaded :: else fi;
#endif
#ifdef STORE_FIRST
     store(); shade_old(); shade_new()
#else
     shade_old(); shade_new();
#ifdef NIL_UNSHADED
shaded:
#endif
#ifdef SAFEPOINT_INSIDE
     do :: acknowledge() :: break od;
#endif
     store()
#endif
  :: d_step { b[_pid] != NIL && a[_pid] != b[_pid] -> a[_pid] = b[_pid] } /* a = b: walk on */
  :: d_step { a[_pid] != 0 -> a[_pid] = 0 }                               /* a = the global root */
  :: d_step { b[_pid] != NIL -> b[_pid] = NIL }
  :: d_step { /* b = new object */
       alloc != ALL && (black || swept) ->
       k = 0; do :: HAS(alloc, k) -> k++ :: else -> break od;
#ifdef WITNESS
       if :: HAS(freed, k) -> SEEN(1) :: else fi;
#endif
       alloc = alloc | BIT(k);
#ifndef ALLOCATE_WHITE
       if :: black -> mark = mark | BIT(k) :: else fi;
#endif
       fld[k] = NIL; b[_pid] = k; k = 0
     }
  :: acknowledge()
  od
}

inline handshake(what) {
  d_step { req[0] = what; req[1] = what };
  d_step { req[0] == NONE && req[1] == NONE -> skip }
}

/* scanobject: mutators run between reading the field and greying what it held. */
inline scan(i) {
  d_step { HAS(queue, i) -> queue = queue & ~BIT(i); x = i };
  child = fld[x];
  d_step { greyobject(child); x = NIL; child = NIL }
}
inline drain() {
  do
  :: scan(0)
  :: scan(1)
  :: scan(2)
  :: queue == 0 -> break
  od
}

inline resolve() {
  d_step {
    words = words & ~mark;
    if :: words != 0 -> mark = mark | words; queue = queue | words; flag = 1; words = 0 :: else fi
  }
}

active proctype coordinator() {
  byte x = NIL, child = NIL;
#ifdef WITNESS
  byte round;
#endif
  do
  :: true ->
     assert(mark == 0);
     handshake(BARRIER);
     handshake(BLACK);
     d_step { greyobject(0) };
#ifdef ONE_ROUND
     drain(); handshake(SCAN); resolve();
     do /* a drain in which the root does not come up: it is black */
     :: scan(1)
     :: scan(2)
     :: queue == 0 -> break
     od;
#else
     do
     :: true ->
        flag = 0;
        drain();
        handshake(SCAN);
#ifdef WITNESS
        d_step { round++; if :: round == 3 -> SEEN(2) :: else fi };
#endif
#ifndef JUDGE_UNRESOLVED
        resolve();
#endif
        if :: !flag -> break :: flag fi
#ifdef JUDGE_UNRESOLVED
        ; resolve()
#endif
     od;
#endif
     skip; /* Promela: a break may not lead straight into a d_step */
     d_step { swept = 0; reach(); assert(queue == 0 && (reachable & ~mark) == 0) };
#ifdef WITNESS
     round = 0;
#endif
     handshake(OFF);
     d_step { /* sweep */
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
       alloc = mark; mark = 0; words = 0; swept = 1
     }
  od
}
