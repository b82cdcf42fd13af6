// SPDX-License-Identifier: MIT

// The lab's work in Go, so that its column can stand beside Greyhound's. The greyhound command carries
// this program's source, builds it with the Go it finds, and runs one arm a process:
//
//	lab ARM OPS
//
// prints one line of JSON with the arm's counts and times. Arms have the names, and do the work, of
// those in the C++ sources of the folder above. On stderr "lab: begin" and "lab: end" enclose what is
// measured, so that the gctrace lines between them can be told from others. Little is imported, so that the
// first build is short.
package main

import (
	"os"
	"runtime"
	"strconv"
	"time"
)

type figures struct {
	ops, allocs, bytes, cycles, live uint64
	longestPause                     uint64 // ns
	elapsed                          int64  // ns
}

type arm struct {
	name string
	run  func(ops int) figures
}

func counts() runtime.MemStats {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats
}

// longestPause looks at the cycles between two snapshots, 256 at most: what the runtime keeps.
func longestPause(before, after *runtime.MemStats) uint64 {
	var longest uint64
	first := before.NumGC
	if after.NumGC-first > 256 {
		first = after.NumGC - 256
	}
	for cycle := first; cycle < after.NumGC; cycle++ {
		if pause := after.PauseNs[cycle%256]; pause > longest {
			longest = pause
		}
	}
	return longest
}

func difference(before, after *runtime.MemStats, ops int, elapsed time.Duration) figures {
	return figures{
		ops:          uint64(ops),
		allocs:       after.Mallocs - before.Mallocs,
		bytes:        after.TotalAlloc - before.TotalAlloc,
		cycles:       uint64(after.NumGC - before.NumGC),
		live:         after.HeapObjects,
		longestPause: longestPause(before, after),
		elapsed:      elapsed.Nanoseconds(),
	}
}

// measure runs loop(n), which does n operations, after a short warm-up.
func measure(ops int, loop func(n int)) figures {
	warmUp := ops / 16
	if warmUp > 20000 {
		warmUp = 20000
	}
	loop(warmUp)
	return measureLoop(ops, loop)
}

func measureLoop(ops int, loop func(n int)) figures {
	runtime.GC()
	before := counts()
	os.Stderr.WriteString("lab: begin\n")
	start := time.Now()
	loop(ops)
	elapsed := time.Since(start)
	after := counts()
	os.Stderr.WriteString("lab: end\n")
	return difference(&before, &after, ops, elapsed)
}

func (f figures) json() string {
	field := func(name string, value uint64) string {
		return `"` + name + `":` + strconv.FormatUint(value, 10)
	}
	return "{" + field("ops", f.ops) + "," + field("allocs", f.allocs) + "," + field("bytes", f.bytes) + "," +
		field("cycles", f.cycles) + "," + field("live", f.live) + "," +
		field("longest_pause_ns", f.longestPause) + "," + field("elapsed_ns", uint64(f.elapsed)) + "}\n"
}

func main() {
	if len(os.Args) != 3 {
		os.Stderr.WriteString("usage: lab ARM OPS\n")
		os.Exit(2)
	}
	ops, err := strconv.Atoi(os.Args[2])
	if err != nil || ops <= 0 {
		os.Stderr.WriteString("OPS must be a whole number above 0\n")
		os.Exit(2)
	}
	for _, arms := range [][]arm{loopArms, okArms, liveArms, barrierArms, callArms, fixArms, profileArms, ledgerArms} {
		for _, a := range arms {
			if a.name == os.Args[1] {
				os.Stdout.WriteString(a.run(ops).json())
				return
			}
		}
	}
	os.Stderr.WriteString("no such arm: " + os.Args[1] + "\n")
	os.Exit(2)
}
