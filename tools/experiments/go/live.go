// SPDX-License-Identifier: MIT

// X9: what marking costs, by what is live. As mark_cost.cc: build, clear up, then full cycles of which each is
// enclosed by its own pair of marks on stderr.

package main

import (
	"os"
	"runtime"
)

const cyclesPerRun = 3

var (
	boxSink  any
	liveArms = []arm{
		{"empty", func(n int) figures { return live(n, func() any { return nil }, func() {}) }},
		{"dead-boxes", func(n int) figures {
			boxes := func() { deadBoxes(n) }
			return live(n, func() any { boxes(); return nil }, boxes)
		}},
		{"int-int", func(n int) figures { return live(n, func() any { return intInt(n) }, func() {}) }},
		{"int-any-small", func(n int) figures { return live(n, func() any { return intAnySmall(n) }, func() {}) }},
		{"int-pointer", func(n int) figures { return live(n, func() any { return intPointer(n) }, func() {}) }},
		{"int-any", func(n int) figures { return live(n, func() any { return intAny(n) }, func() {}) }},
		{"string-int", func(n int) figures { return live(n, func() any { return stringInt(n) }, func() {}) }},
		{"string-any", func(n int) figures { return live(n, func() any { return stringAny(n) }, func() {}) }},
	}
)

func live(entries int, build func() any, between func()) figures {
	before := counts()
	kept := build()
	after := counts()
	f := difference(&before, &after, entries, 0)
	f.cycles, f.longestPause = 1, 0
	runtime.GC()
	for i := 0; i < cyclesPerRun; i++ {
		between()
		before := counts()
		os.Stderr.WriteString("lab: begin\n")
		runtime.GC()
		after := counts()
		os.Stderr.WriteString("lab: end\n")
		f.live = after.HeapObjects
		if pause := longestPause(&before, &after); pause > f.longestPause {
			f.longestPause = pause
		}
	}
	runtime.KeepAlive(kept)
	return f
}

func deadBoxes(n int) {
	for i := 0; i < n; i++ {
		boxSink = 1000 + i
	}
	boxSink = nil
}

// stringKey is "key-" and eight digits.
func stringKey(i int) string {
	text := []byte("key-00000000")
	for at := len(text) - 1; i != 0; at, i = at-1, i/10 {
		text[at] = byte('0' + i%10)
	}
	return string(text)
}

func intInt(n int) any {
	m := make(map[int]int, n)
	for i := 0; i < n; i++ {
		m[i] = i
	}
	return m
}

func intAnySmall(n int) any {
	m := make(map[int]any, n)
	for i := 0; i < n; i++ {
		m[i] = i % 256
	}
	return m
}

func intPointer(n int) any {
	m := make(map[int]*int, n)
	for i := 0; i < n; i++ {
		p := new(int)
		*p = i + 256
		m[i] = p
	}
	return m
}

func intAny(n int) any {
	m := make(map[int]any, n)
	for i := 0; i < n; i++ {
		m[i] = i + 256
	}
	return m
}

func stringInt(n int) any {
	m := make(map[string]int, n)
	for i := 0; i < n; i++ {
		m[stringKey(i)] = i
	}
	return m
}

func stringAny(n int) any {
	m := make(map[string]any, n)
	for i := 0; i < n; i++ {
		m[stringKey(i)] = i + 256
	}
	return m
}
