/* SPDX-License-Identifier: MIT
 *
 * stacks.pml: a coroutine's stack that passes from one thread to another through the collector's list.
 *
 * Two threads and one stack of one word share three objects of one field. Object 0 is the global root. Whoever
 * has the stack loads the root's field into its word, walks on, puts a new object there that points to the old
 * one, and publishes it in the root's field; or hands the stack to the list, from which either takes it. A thread
 * without it may clear the root's field. The collector runs cycles for ever: barrier on (H1), allocate black (H2),
 * grey the root and what the listed stack holds, { clear the flag, drain, scan (H3) } until quiet, off (H4 and H5
 * in one), sweep. Threads answer one by one, between any two steps of the others.
 *
 * Handing the stack over is two steps, since the collector may come in between: the barrier's shade of what it
 * holds, and putting it into the list. No answer lies between them (gc/mutator/parked_stacks.h, rules 1 and 2).
 *
 * What must hold: no thread touches a freed object, and at the sweep everything that the stack and marked objects
 * point to is marked.
 *
 * RUN holds    correct
 * RUN refuted  released-silently  -DRELEASE_SILENT
 * RUN refuted  list-skipped       -DLIST_SKIPPED
 * RUN refuted  list-before-h1     -DLIST_EARLY
 * RUN refuted  list-after-h3      -DLIST_LATE
 * RUN reached  listed-all-through -DWITNESS=1
 * RUN reached  released-marking   -DWITNESS=2
 * RUN reached  taken-after-answer -DWITNESS=3
 */

#define T 2
#define N 3 /* objects; 0 is the global root */
#define NIL N
#define LISTED T
#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define LIVE(x) ((x) == NIL || HAS(alloc, x))

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

byte alloc = 1;
byte mark;
byte queue;
byte fld[N] = NIL;
bit flag;
bit swept = 1;

byte word = NIL; /* on the stack */
byte owner = LISTED;

byte buffer[T];
bit barrier[T], black[T];
byte req[T];
byte pending;
#ifdef WITNESS
bit scanned[T]; /* has answered H3 of this round */
bit moved;      /* the stack was taken or handed on since marking began */
#endif

hidden byte k;

inline greyobject(x, set) {
  if
  :: x != NIL && !HAS(mark, x) -> mark = mark | BIT(x); set = set | BIT(x)
  :: else
  fi
}

inline donate(t) {
  if
  :: buffer[t] != 0 -> queue = queue | buffer[t]; buffer[t] = 0; flag = 1
  :: else
  fi
}

inline answer(t) {
  if
  :: req[t] == BARRIER -> barrier[t] = 1
  :: req[t] == BLACK -> black[t] = 1
  :: req[t] == SCAN ->
     if :: owner == t -> greyobject(word, buffer[t]) :: else fi;
#ifdef WITNESS
     scanned[t] = 1;
#endif
     donate(t)
  :: req[t] == OFF -> barrier[t] = 0; black[t] = 0
  fi;
  req[t] = NONE; pending--
}

active [T] proctype thread() {
  do
  :: d_step { req[_pid] != NONE -> answer(_pid) } /* a safepoint */
  :: d_step { owner == _pid && word != fld[0] -> word = fld[0] } /* word = root.f */
  :: d_step { owner == _pid && word != NIL -> assert(LIVE(word)); word = fld[word] } /* word = word.f */
  :: owner == _pid && word != fld[0] -> /* root.f = word */
     if :: barrier[_pid] -> d_step { greyobject(word, buffer[_pid]) } :: else fi;
     d_step { assert(LIVE(word)); fld[0] = word }
  :: d_step { fld[0] != NIL -> fld[0] = NIL }
  :: d_step { /* word = new object that points to what word was; its first store needs the barrier too */
       owner == _pid && alloc != BIT(N) - 1 && (black[_pid] || swept) ->
       k = 0; do :: HAS(alloc, k) -> k++ :: else -> break od;
       alloc = alloc | BIT(k);
       if :: black[_pid] -> mark = mark | BIT(k) :: else fi;
       if :: barrier[_pid] -> greyobject(word, buffer[_pid]) :: else fi;
       fld[k] = word; word = k; k = 0
     }
  :: owner == _pid -> /* hands the stack on */
#ifndef RELEASE_SILENT
     d_step {
       if
       :: barrier[_pid] ->
          if :: word != NIL && !HAS(mark, word) -> SEEN(2) :: else fi;
          greyobject(word, buffer[_pid])
       :: else
       fi
     };
#endif
     d_step {
       owner = LISTED;
#ifdef WITNESS
       moved = 1
#endif
     }
  :: d_step {
       owner == LISTED -> owner = _pid;
#ifdef WITNESS
       moved = 1;
       if :: scanned[_pid] && word != NIL -> SEEN(3) :: else fi
#endif
     }
  od
}

inline handshake(what) {
  d_step {
    k = 0;
    do :: k < T -> req[k] = what; pending++; k++ :: else -> break od;
    k = 0
  };
  pending == 0
}

inline scan_list() {
  d_step {
    if :: owner == LISTED -> greyobject(word, queue) :: else fi
  }
}

/* scanobject: threads run between reading the field and greying what it held. */
inline scan(i) {
  d_step { HAS(queue, i) -> queue = queue & ~BIT(i); x = i };
  child = fld[x];
  d_step { greyobject(child, queue); x = NIL; child = NIL }
}

active proctype collector() {
  byte x = NIL, child = NIL;
  do
  :: true ->
     assert(mark == 0);
#ifdef LIST_EARLY
     scan_list();
#endif
     handshake(BARRIER);
     handshake(BLACK);
     d_step {
       greyobject(0, queue);
#ifdef WITNESS
       moved = 0
#endif
     };
#if !defined(LIST_SKIPPED) && !defined(LIST_EARLY) && !defined(LIST_LATE)
     scan_list();
#endif
     do
     :: true ->
        flag = 0;
        do
        :: scan(0)
        :: scan(1)
        :: scan(2)
        :: queue == 0 -> break
        od;
        handshake(SCAN);
#ifdef WITNESS
        d_step { scanned[0] = 0; scanned[1] = 0 };
#endif
#ifdef LIST_LATE
        d_step { if :: owner == LISTED && word != NIL && !HAS(mark, word) -> greyobject(word, queue); flag = 1 :: else fi };
#endif
        if :: flag :: else -> break fi
     od;
#ifdef WITNESS
     if :: d_step { owner == LISTED && !moved && word != NIL -> SEEN(1) } :: else fi;
#endif
     swept = 0;
     handshake(OFF);
     d_step { /* sweep */
       assert(word == NIL || HAS(mark, word));
       k = 0;
       do
       :: k < N ->
          assert(!HAS(mark, k) || fld[k] == NIL || HAS(mark, fld[k]));
          if :: !HAS(mark, k) -> fld[k] = NIL :: else fi;
          k++
       :: else -> break
       od;
       k = 0;
       alloc = mark; mark = 0; swept = 1
     }
  od
}
