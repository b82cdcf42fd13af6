// SPDX-License-Identifier: MIT

// X11: profiles of a workload, each in a file beside the program. As profiles.cc.

package main

import (
	"context"
	"os"
	"runtime"
	"runtime/pprof"
)

const liveBoxes = 200000

var profileArms = []arm{
	{"heap-exact", func(ops int) figures { return heapProfile(ops, 1, "heap-exact", writeBoxed) }},
	{"heap-sampled", func(ops int) figures { return heapProfile(ops, 512<<10, "heap-sampled", writeBoxed) }},
	{"heap-inuse", func(ops int) figures { return heapProfile(ops, 1, "heap-inuse", writeBoxed) }},
	{"heap-reads", func(ops int) figures { return heapProfile(ops, 1, "heap-reads", readBoxed) }},
	{"cpu-reads", func(ops int) figures { return cpuProfile(ops, "cpu-reads", false) }},
	{"cpu-writes", func(ops int) figures { return cpuProfile(ops, "cpu-writes", true) }},
}

//go:noinline
func writeBoxed(i int) {
	var v wide
	for word := range v {
		v[word] = int64(1000 + i)
	}
	anyMap[keys[i%keyCount]] = v
}

//go:noinline
func readBoxed(i int) {
	if v, ok := anyMap[keys[i%keyCount]]; ok && v != nil {
		found++
	}
}

func labelled(do func()) {
	pprof.Do(context.Background(), pprof.Labels("scenario", "boxed"), func(context.Context) { do() })
}

func save(name string, write func(*os.File) error) {
	file, err := os.Create(name + ".pb.gz")
	if err == nil {
		err = write(file)
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	file.Close()
}

func heapProfile(ops, rate int, name string, each func(i int)) (result figures) {
	runtime.MemProfileRate = rate
	makeMaps()
	labelled(func() {
		result = measureOnce(ops, each)
	})
	runtime.GC() // a heap profile is as of the last collection but one
	runtime.GC()
	save(name, func(file *os.File) error { return pprof.Lookup("heap").WriteTo(file, 0) })
	return result
}

func cpuProfile(ops int, name string, write bool) (result figures) {
	live := make(map[int]any, liveBoxes)
	for i := 0; i < liveBoxes; i++ {
		live[i] = 256 + i
	}
	makeMaps()
	save(name, func(file *os.File) error {
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		labelled(func() {
			result = measureOnce(ops, func(i int) {
				if write && i%4 == 0 {
					writeBoxed(i)
				}
				readBoxed(i)
			})
		})
		pprof.StopCPUProfile()
		return nil
	})
	runtime.KeepAlive(live)
	return result
}

// measureOnce has no warm-up: the profile would have it too.
func measureOnce(ops int, each func(i int)) figures {
	return measureLoop(ops, func(n int) {
		for i := 0; i < n; i++ {
			each(i)
		}
	})
}
