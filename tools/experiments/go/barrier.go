// SPDX-License-Identifier: MIT

// X10: the write barrier. As write_barrier.cc, but that nothing tells this program whether the collector is marking:
// for the arms that want it to, another goroutine forces one cycle after another, each of which has a long
// list to walk, a node at a time, so that nearly all of it is marking. Counts are not exported; only the
// time of the stores is measured.

package main

import (
	"os"
	"runtime"
	"time"
)

const (
	storeRound = 4096
	stackSlots = 64
	ballast    = 200000 // nodes: some milliseconds of marking
)

type leaf struct{ words [2]int }

type node struct {
	next *node
	_    [2]int
}

var (
	fresh, old  []*leaf
	pointers    []*leaf
	ints        []int
	pointerMap  map[int]*leaf
	intToInt    map[int]int
	list        *node
	barrierArms = bothStates([]arm{
		{"heap-pointer", storeLoop(resetHeap, heapPointer)},
		{"heap-nil", storeLoop(resetHeap, heapNil)},
		{"heap-int", storeLoop(resetHeap, heapInt)},
		{"stack-pointer", storeLoop(resetHeap, stackPointer)},
		{"stack-nil", storeLoop(resetHeap, stackNil)},
		{"stack-int", storeLoop(resetHeap, stackInt)},
		{"map-pointer", storeLoop(resetMap, mapPointer)},
		{"map-nil", storeLoop(resetMap, mapNil)},
		{"map-int", storeLoop(resetMap, mapInt)},
	})
)

func bothStates(arms []arm) []arm {
	for _, a := range arms {
		run := a.run
		arms = append(arms, arm{a.name + "-marking", func(ops int) figures {
			keepMarking()
			return run(ops)
		}})
	}
	return arms
}

// keepMarking returns when the first cycle is well under way.
func keepMarking() {
	for i := 0; i < ballast; i++ {
		list = &node{next: list}
	}
	go func() {
		for {
			runtime.GC()
		}
	}()
	time.Sleep(2 * time.Millisecond)
}

func leaves() []*leaf {
	made := make([]*leaf, storeRound)
	for i := range made {
		made[i] = new(leaf)
	}
	return made
}

func resetHeap() { copy(pointers, old) }

func resetMap() {
	for i, p := range old {
		pointerMap[i] = p
		intToInt[i] = 0
	}
}

// storeLoop times stores(n), n up to storeRound at a time, over slots that hold what reset puts there.
func storeLoop(reset func(), stores func(n int)) func(ops int) figures {
	return func(ops int) figures {
		fresh, old = leaves(), leaves()
		pointers, ints = make([]*leaf, storeRound), make([]int, storeRound)
		pointerMap, intToInt = make(map[int]*leaf, storeRound), make(map[int]int, storeRound)
		resetMap()
		stores(storeRound) // warms up
		var elapsed time.Duration
		before := counts()
		os.Stderr.WriteString("lab: begin\n")
		for done := 0; done < ops; done += storeRound {
			n := ops - done
			if n > storeRound {
				n = storeRound
			}
			reset()
			start := time.Now()
			stores(n)
			elapsed += time.Since(start)
		}
		after := counts()
		os.Stderr.WriteString("lab: end\n")
		return difference(&before, &after, ops, elapsed)
	}
}

func heapPointer(n int) {
	to, from := pointers, fresh
	for i := 0; i < n; i++ {
		to[i] = from[i]
	}
}

// The index is masked so that the compiler does not make one call that clears the slice of it.
func heapNil(n int) {
	to := pointers
	for i := 0; i < n; i++ {
		to[i%storeRound] = nil
	}
}

func heapInt(n int) {
	to := ints
	for i := 0; i < n; i++ {
		to[i] = i
	}
}

func stackPointer(n int) {
	var slots [stackSlots]*leaf
	from := fresh
	for i := 0; i < n; i++ {
		slots[i%stackSlots] = from[i]
	}
	readBack(&slots)
}

func stackNil(n int) {
	var slots [stackSlots]*leaf
	for i := 0; i < n; i++ {
		slots[i%stackSlots] = nil
	}
	readBack(&slots)
}

//go:noinline
func readBack(slots *[stackSlots]*leaf) {
	if slots[found%stackSlots] != nil {
		found++
	}
}

func stackInt(n int) {
	var slots [stackSlots]int
	for i := 0; i < n; i++ {
		slots[i%stackSlots] = i
	}
	found += slots[found%stackSlots] & 1
}

func mapPointer(n int) {
	to, from := pointerMap, fresh
	for i := 0; i < n; i++ {
		to[i] = from[i]
	}
}

func mapNil(n int) {
	to := pointerMap
	for i := 0; i < n; i++ {
		to[i] = nil
	}
}

func mapInt(n int) {
	to := intToInt
	for i := 0; i < n; i++ {
		to[i] = i
	}
}
