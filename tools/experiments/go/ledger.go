// SPDX-License-Identifier: MIT

// The arms of the ledger. As ledger.cc. Boxes made by hand need the two words of an interface.

package main

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"
)

const ledgerEntries = 1 << 14

var (
	ledgerInts map[int]int
	ledgerAny  map[int]any
	ledgerArms = []arm{
		{"ledger-typed", func(ops int) figures { return ledgerTyped(ops, false) }},
		{"ledger-typed-off", func(ops int) figures { return ledgerTyped(ops, true) }},
		{"ledger-shared", ledgerShared},
		{"ledger-malloc", ledgerMalloc},
		{"ledger-box", func(ops int) figures { return ledgerBox(ops, true) }},
		{"ledger-boxed", func(ops int) figures { return ledgerBox(ops, false) }},
	}
)

type words struct {
	typ  unsafe.Pointer
	data unsafe.Pointer
}

func ledgerTyped(ops int, off bool) figures {
	ledgerInts = make(map[int]int, ledgerEntries)
	for i := 0; i < ledgerEntries; i++ {
		ledgerInts[i] = 0
	}
	m := ledgerInts
	return ledgerMeasure(ops, off, false, func(n int) {
		for i := 0; i < n; i++ {
			m[i%ledgerEntries] = 1000 + i
		}
	})
}

func ledgerFill() map[int]any {
	ledgerAny = make(map[int]any, ledgerEntries)
	for i := 0; i < ledgerEntries; i++ {
		ledgerAny[i] = 1000 + i
	}
	return ledgerAny
}

func ledgerShared(ops int) figures {
	m := ledgerFill()
	var boxes [256]any
	for i := range boxes {
		boxes[i] = 1000 + i
	}
	return ledgerMeasure(ops, true, false, func(n int) {
		for i := 0; i < n; i++ {
			m[i%ledgerEntries] = boxes[i%256]
		}
	})
}

func ledgerMalloc(ops int) figures {
	m := ledgerFill()
	var sample any = 1000
	typ := (*words)(unsafe.Pointer(&sample)).typ
	return ledgerMeasure(ops, true, true, func(n int) {
		for i := 0; i < n; i++ {
			box := new(int)
			*box = 1000 + i
			var v any
			*(*words)(unsafe.Pointer(&v)) = words{typ, unsafe.Pointer(box)}
			m[i%ledgerEntries] = v
		}
	})
}

func ledgerBox(ops int, off bool) figures {
	m := ledgerFill()
	return ledgerMeasure(ops, off, off, func(n int) {
		for i := 0; i < n; i++ {
			m[i%ledgerEntries] = 1000 + i
		}
	})
}

// off: without collections. reuse: of memory that was used before.
func ledgerMeasure(ops int, off, reuse bool, loop func(n int)) figures {
	if off {
		debug.SetGCPercent(-1)
	}
	if reuse {
		loop(ops + ops/4)
	}
	runtime.LockOSThread()
	var spent int64
	result := measure(ops, func(n int) { // begins with a collection
		start := threadCPU()
		loop(n)
		spent = threadCPU() - start
	})
	result.elapsed = spent
	return result
}

// threadCPU is the CPU time of this thread in ns.
func threadCPU() int64 {
	const thisThread = 1 // RUSAGE_THREAD
	var usage syscall.Rusage
	if syscall.Getrusage(thisThread, &usage) != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
