/* SPDX-License-Identifier: MIT
 *
 * blocked.pml: handshakes with threads that cannot answer, and with threads that come and go.
 *
 * Two threads, one register each, share three objects of one field. Object 0 is the global root. A thread
 * allocates lists (a new object points to what the register held), walks them, publishes them in the
 * root's field, enters and leaves `blocking`, where it may stay for ever, detaches and attaches again. The
 * collector runs cycles for ever: barrier on (H1), allocate black (H2), { clear the flag, drain, scan (H3) }
 * until quiet, off (H4 and H5 in one: nothing is allocated white before the sweep here), sweep. For each
 * handshake it posts a request to every attached thread and counts them, claims the blocked ones and
 * answers for them, and sleeps until the count is nought.
 *
 * A thread's state, and who moves it:
 *
 *   from      to        by                       how
 *   Running   Blocked   the thread, entering     seq_cst store, and only then a look at its request
 *   Blocked   Running   the thread, leaving      CAS; while Claimed it waits
 *   Blocked   Claimed   the collector, or the    CAS; the request is read again under the claim, since
 *                       thread on entering       the other one may have answered it by then
 *   Claimed   Blocked   whoever claimed          store; a thread then looks at its request again
 *   Running   Detached  the thread               under the list lock, as is the next
 *   Detached  Running   the thread, attaching    adopts the phase, and counts as having acknowledged it
 *
 * The list lock is held for one step at a time: to post a handshake, to attach, to detach.
 *
 * Rules (README.md) held to account: 8, and 2 where a donation comes from a claim or a detach.
 *
 * What must hold: no thread touches a freed object, at the sweep a marked object points only to marked ones
 * (no live object lost); when the count is nought no attached thread has a request left (no acknowledgement
 * lost or given twice); the collector never sleeps for ever, even when all threads are asleep or gone (no
 * wakeup lost: the checker's "invalid end state").
 *
 * Left out: what handshakes.pml and termination.pml have (store buffers, early donation, parallel markers).
 * Stores go to the root's field only: with more, the search would not fit, and no fault below needs more.
 *
 * Variants, one a line, read by ./run: what must come out, a name, the switches.
 *   RUN holds    all
 *   RUN refuted  leave-early          -DLEAVE_EARLY
 *   RUN refuted  skip-roots           -DSKIP_ROOTS
 *   RUN refuted  answer-twice         -DANSWER_TWICE
 *   RUN refuted  no-recheck           -DNO_RECHECK
 *   RUN refuted  recheck-early        -DRECHECK_EARLY
 *   RUN refuted  recheck-once         -DRECHECK_ONCE
 *   RUN refuted  attach-blind         -DATTACH_BLIND
 *   RUN refuted  attach-unlocked      -DATTACH_UNLOCKED
 *   RUN refuted  detach-silent        -DDETACH_SILENT
 *   RUN refuted  detach-unlocked      -DDETACH_UNLOCKED
 *   RUN refuted  detach-loses-buffer  -DDETACH_LOSES_BUFFER
 *   RUN reached  slot-reuse           -DWITNESS=1
 *   RUN reached  claimed-root-greyed  -DWITNESS=2
 *   RUN reached  detach-donates       -DWITNESS=3
 *   RUN reached  attach-while-black   -DWITNESS=4
 *
 * Switches
 *   LEAVE_EARLY          fault: a thread leaves `blocking` though it is claimed
 *   SKIP_ROOTS           fault: the collector answers for a blocked thread but does not scan its register
 *   ANSWER_TWICE         fault: the collector does not read the request again once it has the claim
 *   NO_RECHECK           fault: entering `blocking` does not look for a request
 *   RECHECK_EARLY        fault: it looks before its state is Blocked for all to see (the store is not seq_cst)
 *   RECHECK_ONCE         fault: after answering for itself it does not look again
 *   ATTACH_BLIND         fault: attaching leaves barrier and black allocation off
 *   ATTACH_UNLOCKED      fault: the phase is read before the lock is held, the thread is listed under it
 *   DETACH_SILENT        fault: detaching does not answer what is pending
 *   DETACH_UNLOCKED      fault: it answers before it holds the lock
 *   DETACH_LOSES_BUFFER  fault: it drops its grey buffer
 *   WITNESS=n            the search must come to SEEN(n): proof that the model does something
 *
 * By hand:  spin -a blocked.pml && cc -O2 -w -DSAFETY -o pan pan.c && ./pan -m1000000 -w24
 *           after an error: spin -t -p -g blocked.pml shows the way there (same -D switches)
 * Measured: all 11.2 M states. */

#define T 2 /* threads */
#define N 3 /* objects; 0 is the global root */
#define NIL N
#define BIT(x) (1 << (x))
#define HAS(set, x) (((set) >> (x)) & 1)
#define LIVE(x) ((x) == NIL || HAS(alloc, x))

/* A thread's state. */
#define RUNNING 0
#define BLOCKED 1
#define CLAIMED 2
#define DETACHED 3

/* What a thread can be asked to acknowledge. */
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

/* White is allocated and not marked; grey is marked and in the queue or in a buffer; black is marked
 * and scanned. */
byte alloc = 1;
byte mark;
byte queue;
byte fld[N] = NIL;
bit flag;
bit swept = 1; /* off from quiet to the sweep: no slot of an unswept heap is handed out white */
#ifdef WITNESS
byte freed;
#endif

/* One of each a thread. Registers and flags are global because the collector answers with them. */
byte state[T];
byte r[T] = NIL;
byte buffer[T];
bit barrier[T], black[T];
byte req[T];

/* The handshake in progress, written under the list lock: what attaching adopts. */
bit want_barrier, want_black;
byte pending; /* requests posted and not acknowledged: what the collector sleeps on */

hidden byte k; /* scratch inside one step */

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

/* An acknowledgement has two halves, so that the collector can be caught between them. */
inline scan_roots(t) {
  if
  :: req[t] == SCAN -> greyobject(r[t], buffer[t])
  :: else
  fi
}
inline finish(t) {
  if
  :: req[t] == BARRIER -> barrier[t] = 1
  :: req[t] == BLACK -> black[t] = 1
  :: req[t] == SCAN -> donate(t)
  :: req[t] == OFF -> barrier[t] = 0; black[t] = 0
  fi;
  req[t] = NONE; pending--
}
inline answer(t) {
  if
  :: req[t] != NONE -> scan_roots(t); finish(t)
  :: else
  fi
}

active [T] proctype thread() {
running:
  do
  :: d_step { r[_pid] != fld[0] -> r[_pid] = fld[0] } /* r = root.f */
  :: d_step { r[_pid] != NIL -> assert(LIVE(r[_pid])); r[_pid] = fld[r[_pid]] } /* r = r.f */
  :: r[_pid] != fld[0] -> /* root.f = r, r may be nil */
     if :: barrier[_pid] -> d_step { greyobject(r[_pid], buffer[_pid]) } :: else fi;
     d_step { assert(LIVE(r[_pid])); fld[0] = r[_pid] }
  :: d_step { /* r = new object that points to what r was; its first store needs the barrier too */
       alloc != BIT(N) - 1 && (black[_pid] || swept) ->
       k = 0; do :: HAS(alloc, k) -> k++ :: else -> break od;
#ifdef WITNESS
       if :: HAS(freed, k) -> SEEN(1) :: else fi;
#endif
       alloc = alloc | BIT(k);
       if :: black[_pid] -> mark = mark | BIT(k) :: else fi;
       if :: barrier[_pid] -> greyobject(r[_pid], buffer[_pid]) :: else fi;
       fld[k] = r[_pid]; r[_pid] = k; k = 0
     }
  :: d_step { req[_pid] != NONE -> answer(_pid) } /* a safepoint */
  :: goto enter
  :: goto detach
  od;

enter:
#ifdef RECHECK_EARLY
  if
  :: req[_pid] != NONE -> state[_pid] = BLOCKED; goto claim
  :: req[_pid] == NONE -> state[_pid] = BLOCKED; goto blocked
  fi;
#else
  state[_pid] = BLOCKED;
#endif
#ifdef NO_RECHECK
  goto blocked;
#endif
recheck: /* the collector may have posted after the last safepoint and looked before the store above */
  if
  :: req[_pid] == NONE -> goto blocked
  :: req[_pid] != NONE
  fi;
claim:
  if
  :: d_step { state[_pid] == BLOCKED -> state[_pid] = CLAIMED };
     d_step { answer(_pid) };
     /* From here to the store the collector may finish that handshake, post the next and find us
      * claimed, by ourselves: hence another look. */
     state[_pid] = BLOCKED;
#ifndef RECHECK_ONCE
     goto recheck
#endif
  :: state[_pid] == CLAIMED /* by the collector, which answers */
  fi;
blocked:
  if
#ifdef LEAVE_EARLY
  :: state[_pid] = RUNNING -> goto running
#else
  :: d_step { state[_pid] == BLOCKED -> state[_pid] = RUNNING } -> goto running
#endif
  :: true ->
end_asleep: /* the call never returns, and that is no fault */
     false
  fi;

detach:
  skip; /* Promela: a goto may not lead straight into a d_step */
#ifdef DETACH_UNLOCKED
  d_step { answer(_pid) };
#endif
  d_step {
#if !defined(DETACH_SILENT) && !defined(DETACH_UNLOCKED)
    answer(_pid);
#endif
#ifdef DETACH_LOSES_BUFFER
    buffer[_pid] = 0;
#else
    if :: buffer[_pid] != 0 -> SEEN(3) :: else fi;
    donate(_pid);
#endif
    r[_pid] = NIL; barrier[_pid] = 0; black[_pid] = 0;
    state[_pid] = DETACHED
  };
  if
#ifdef ATTACH_UNLOCKED
  :: d_step { barrier[_pid] = want_barrier; black[_pid] = want_black };
     state[_pid] = RUNNING;
     goto running
#else
  :: d_step {
       if :: want_black -> SEEN(4) :: else fi;
#ifndef ATTACH_BLIND
       barrier[_pid] = want_barrier; black[_pid] = want_black;
#endif
       state[_pid] = RUNNING
     };
     goto running
#endif
  :: true /* gone for good */
  fi
}

inline answer_for(t) {
  if
  :: d_step { state[t] == BLOCKED -> state[t] = CLAIMED };
     if
     :: req[t] != NONE ->
#ifndef SKIP_ROOTS
        d_step {
          if :: req[t] == SCAN && r[t] != NIL && !HAS(mark, r[t]) -> SEEN(2) :: else fi;
          scan_roots(t)
        };
#endif
        d_step { finish(t) }
#ifdef ANSWER_TWICE
     :: req[t] == NONE -> pending--
#else
     :: req[t] == NONE /* it answered for itself */
#endif
     fi;
     state[t] = BLOCKED
  :: else /* running: it will answer, or see the request on entering `blocking` */
  fi
}

inline handshake(what, with_barrier, with_black) {
  d_step { /* under the list lock */
    want_barrier = with_barrier; want_black = with_black;
    k = 0;
    do
    :: k < T -> if :: state[k] != DETACHED -> req[k] = what; pending++ :: else fi; k++
    :: else -> break
    od;
    k = 0
  };
  answer_for(0);
  answer_for(1);
  d_step { pending == 0 -> assert(req[0] == NONE && req[1] == NONE) }
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
     handshake(BARRIER, 1, 0);
     handshake(BLACK, 1, 1);
     d_step { greyobject(0, queue) };
     do
     :: true ->
        flag = 0;
        do
        :: scan(0)
        :: scan(1)
        :: scan(2)
        :: queue == 0 -> break
        od;
        handshake(SCAN, 1, 1);
        if :: flag :: else -> break fi
     od;
     swept = 0;
     handshake(OFF, 0, 0);
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
       alloc = mark; mark = 0; swept = 1
     }
  od
}
