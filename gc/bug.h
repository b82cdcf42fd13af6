// SPDX-License-Identifier: MIT
// Planted faults: each one removes a step that the protocol needs, so that the test suite can show
// it would notice. They exist only in builds with GREYHOUND_PLANTED_FAULTS=1 and are picked at run
// time by GREYHOUND_BUG=k; in every other build bug() is the constant false and leaves no code.
// tools/planted-faults runs the suite once for each and prints the table.
#pragma once

namespace greyhound::gc {

enum class Bug : int {
  kNone = 0,
  kNoBarrierInRef = 1,           // Ref<T> assignment stores without shading
  kNoBarrierInTypedmove = 2,     // typedmemmove (map buckets, evacuation) stores without shading
  kAllocateWhite = 3,            // refill hands out unmarked runs while marking
  kSkipBlackenAtH2 = 4,          // cached runs stay white when black allocation begins
  kSkipBlockedAck = 5,           // a blocked thread's roots are not scanned for it
  kSkipStackRoots = 6,           // conservative stack words are not roots
  kSkipHandleRoots = 7,          // precise handles are not roots
  kSkipPersistentRoots = 8,      // persistent handles are not roots
  kDonateWithoutFlag = 9,        // a donated shade buffer does not ask for another round
  kOneRoundOnly = 10,            // quiet is declared after one root scan
  kKeepTailMarks = 11,           // H5 leaves the unused tail of a run marked and allocated
  kSweepDropsMarkedWord = 12,    // sweep frees the last marked object of a span
  kEvacuateWithoutBarrier = 13,  // map evacuation copies pointer words without a barrier
  kLargeAllocatedWhite = 14,     // a large object allocated while marking is not marked
  kOverflowNotKept = 15,         // noscan overflow buckets are not recorded in extra
  kRangeRootsSkipped = 16,       // registered root ranges are not roots
  kShadeWithoutFlag = 17,        // a shade asks for another round only when it is donated
  kFlagClearedAfterDrain = 18,   // the round's flag is cleared between its drain and its scan
  kQuietIgnoresPool = 19,        // a round with work left in the pool can be judged quiet
  kOpenTinyBlockKept = 20,       // the open tiny block stays in use when the color changes
  kBlackBeforeH1Done = 21,       // black allocation begins while a mutator has no barrier yet
  kAttachUnaware = 22,           // a mutator that attaches does not adopt the phase
  kDetachDropsShades = 23,       // a mutator that detaches does not donate what it shaded
  kDetachForgetsRoots = 24,      // what a detaching mutator holds is not shaded
  kFreshSpanTooNew = 25,         // a span taken before the H5 answer counts as swept
  kOtherObletsSkipped = 26,      // of a large object only the first part is scanned
  kWeakLoadWithoutVeto = 27,     // a weak load while marking gives the object without shading it
  kWeakNotCleared = 28,          // weak cells keep the address of what has died
  kEphemeronsSkipped = 29,       // the value of an ephemeron is not marked with its key
  kRevivedNotDrained = 30,       // what a finalizable object refers to is not marked
  kMarksNotWritten = 31,         // a marker finishes with gathered marks unwritten
  kOldValueNotShaded = 32,       // the hybrid barrier shades the new value only
  kRoundStaysClosed = 33,        // the first barriers of a cycle find the last one's round closed
  kSweepsWhileBlack = 34,        // a black mutator sweeps if it finds its generation the heap's
  kDetachClearsWhiteTails = 35,  // a mutator that detaches between H1 and H2 takes its tails back
  kRunKeepsOldTypes = 36,        // a run of a shared span keeps the types of what was there before
  kReleaseForgetsRoots = 37,     // a parked stack that is handed on is not shaded
  kParkedStacksSkipped = 38,     // stacks in the collector's list are not roots
  kNeighboursNotKept = 39,       // a stack word keeps only the object in whose slot it lies
  kBordersNotCrossed = 40,       // a stack word keeps no neighbour in another span
  kNoRoomBehindLarge = 41,       // a large object has no bytes of its own behind it
  kDroppedTablesNotKept = 42,    // a map's write does not keep the tables that it drops
  kIteratorsNotRoots = 43,       // a map's iterator keeps nothing
  kForkKeepsOthers = 44,         // a forked child's collector waits for its parent's threads
  kArrayOfOneIsSingle = 45,      // an array of one element is taken for an object that is none
};

#if defined(GREYHOUND_PLANTED_FAULTS) && GREYHOUND_PLANTED_FAULTS
// Reads GREYHOUND_BUG once, at the first call (any thread).
bool bug(Bug which);
#else
constexpr bool bug(Bug) { return false; }
#endif

}  // namespace greyhound::gc
