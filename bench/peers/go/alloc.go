// SPDX-License-Identifier: MIT

// Allocation and boxing. Every object is stored into a package-level ring of 64 slots, so it
// escapes (go build -gcflags=-m says so of each) and dies when the ring comes round. What would
// mislead: the collector runs on the second CPU meanwhile; cpu_ns beside the value counts it.

package main

type node struct{ left, right *node }

type object64 struct {
	pointers [4]*object64
	words    [4]int64
}

const ring = 64

var (
	ring8    [ring]*int64
	ring16   [ring]*node
	ring64   [ring]*object64
	ringAny  [ring]any
	ringText [ring]string
)

func alloc8Noscan(quick bool) *result {
	return timePerOp(quick, 1, func(n int) {
		for i := 0; i < n; i++ {
			p := new(int64)
			*p = int64(i)
			ring8[i%ring] = p
		}
	})
}

func alloc16Ptr(quick bool) *result {
	return timePerOp(quick, 1, func(n int) {
		for i := 0; i < n; i++ {
			ring16[i%ring] = new(node)
		}
	})
}

func alloc64Ptr(quick bool) *result {
	return timePerOp(quick, 1, func(n int) {
		for i := 0; i < n; i++ {
			ring64[i%ring] = new(object64)
		}
	})
}

func boxInt(quick bool) *result {
	return timePerOp(quick, 1, func(n int) {
		for i := 0; i < n; i++ {
			ringAny[i%ring] = int64(i) + 256
		}
	})
}

func boxString(quick bool) *result {
	for i := range ringText {
		ringText[i] = stringKey(uint64(i))
	}
	return timePerOp(quick, 1, func(n int) {
		for i := 0; i < n; i++ {
			ringAny[i%ring] = ringText[i%ring]
		}
	})
}

func allocWorkloads() []workload {
	return []workload{
		{"alloc-8-noscan", alloc8Noscan},
		{"alloc-16-ptr", alloc16Ptr},
		{"alloc-64-ptr", alloc64Ptr},
		{"box-int", boxInt},
		{"box-string", boxString},
	}
}
