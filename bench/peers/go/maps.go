// SPDX-License-Identifier: MIT

// Maps: lookups, insertion with growth, iteration, churn, a full cycle over a live map of a million
// entries, and the memory of maps. The map of each workload is reachable from a package-level sink.

package main

import (
	"runtime"
	"strconv"
)

var (
	mapSink any
	boxSink any
)

func sumBelow(n int) int64 { return int64(n) * int64(n-1) / 2 }

func intMap(n int) map[int64]int64 {
	m := make(map[int64]int64)
	mapSink = m
	for i := 0; i < n; i++ {
		m[intKey(uint64(i))] = int64(i)
	}
	return m
}

// settle collects what setting up left behind, so that no cycle falls into what is timed.
func settle() {
	runtime.GC()
	runtime.GC()
}

func mapHitI64(quick bool, n int) *result {
	m := intMap(n)
	probes := make([]int64, n)
	for at, i := range shuffledIndices(n) {
		probes[at] = intKey(uint64(i))
	}
	settle()
	return timePerOp(quick, n, func(rounds int) {
		var sum int64
		for r := 0; r < rounds; r++ {
			for _, key := range probes {
				sum += m[key]
			}
		}
		expect(sum == int64(rounds)*sumBelow(n), "sum of the values found")
	})
}

func mapMissI64(quick bool, n int) *result {
	m := intMap(n)
	probes := make([]int64, n)
	for at, i := range shuffledIndices(n) {
		probes[at] = intKey(uint64(n) + uint64(i))
	}
	settle()
	return timePerOp(quick, n, func(rounds int) {
		found := 0
		for r := 0; r < rounds; r++ {
			for _, key := range probes {
				if _, ok := m[key]; ok {
					found++
				}
			}
		}
		expect(found == 0, "keys found that were never inserted")
	})
}

func mapHitStr(quick bool, n int) *result {
	m := make(map[string]int64)
	mapSink = m
	for i := 0; i < n; i++ {
		m[stringKey(uint64(i))] = int64(i)
	}
	probes := make([]string, n)
	for at, i := range shuffledIndices(n) {
		probes[at] = stringKey(uint64(i))
	}
	settle()
	return timePerOp(quick, n, func(rounds int) {
		var sum int64
		for r := 0; r < rounds; r++ {
			for _, key := range probes {
				sum += m[key]
			}
		}
		expect(sum == int64(rounds)*sumBelow(n), "sum of the values found")
	})
}

func mapInsertGrowI64(quick bool, n int) *result {
	keys := make([]int64, n)
	for i := range keys {
		keys[i] = intKey(uint64(i))
	}
	settle()
	return timePerOp(quick, n, func(rounds int) {
		for r := 0; r < rounds; r++ {
			m := make(map[int64]int64)
			mapSink = m
			for i, key := range keys {
				m[key] = int64(i)
			}
			expect(len(m) == n, "entries inserted")
		}
	})
}

func mapIterI64(quick bool) *result {
	const entries = 1000000
	m := intMap(entries)
	settle()
	return timePerOp(quick, entries, func(rounds int) {
		var sum int64
		for r := 0; r < rounds; r++ {
			for _, value := range m {
				sum += value
			}
		}
		expect(sum == int64(rounds)*sumBelow(entries), "sum of the values")
	})
}

func mapChurnI64(quick bool) *result {
	const entries = 100000
	m := intMap(entries)
	settle()
	oldest := uint64(0)
	r := timePerOp(quick, 1, func(n int) {
		for end := oldest + uint64(n); oldest < end; oldest++ {
			delete(m, intKey(oldest))
			m[intKey(oldest+entries)] = int64(oldest)
		}
	})
	expect(len(m) == entries, "entries after churn")
	return r
}

const gcEntries = 1000000

// The six map types of map-gc-1e6, each made with room for its entries.
func mapIntInt() any {
	m := make(map[int64]int64, gcEntries)
	for i := int64(0); i < gcEntries; i++ {
		m[intKey(uint64(i))] = i
	}
	return m
}

func mapIntAnySmall() any {
	m := make(map[int64]any, gcEntries)
	for i := int64(0); i < gcEntries; i++ {
		m[intKey(uint64(i))] = i & 0xFF
	}
	return m
}

func mapIntPtr() any {
	m := make(map[int64]*int64, gcEntries)
	for i := int64(0); i < gcEntries; i++ {
		p := new(int64)
		*p = i + 256
		m[intKey(uint64(i))] = p
	}
	return m
}

func mapIntAny() any {
	m := make(map[int64]any, gcEntries)
	for i := int64(0); i < gcEntries; i++ {
		m[intKey(uint64(i))] = i + 256
	}
	return m
}

func mapStringInt() any {
	m := make(map[string]int64, gcEntries)
	for i := int64(0); i < gcEntries; i++ {
		m[stringKey(uint64(i))] = i
	}
	return m
}

func mapStringAny() any {
	m := make(map[string]any, gcEntries)
	for i := int64(0); i < gcEntries; i++ {
		m[stringKey(uint64(i))] = i + 256
	}
	return m
}

func mapGC(quick bool, make func() any) *result {
	mapSink = make()
	cycles := 9
	if quick {
		cycles = 5
	}
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	wall, cpu := timeCycles(cycles)
	r := &result{unit: "ms/cycle", value: wall * 1e3}
	return r.with("cycle_cpu_ms", cpu*1e3).withHeap(&before)
}

func rssMap64m(bool) *result {
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	rss := peakRSSkB()
	ints := intMap(1000000)
	boxes := make(map[int64]any)
	boxSink = boxes
	for i := int64(0); i < 500000; i++ {
		boxes[intKey(uint64(i))] = i + 256
	}
	makeGarbage()
	net := float64(peakRSSkB()-rss) / 1024
	runtime.GC()
	r := (&result{unit: "MiB RSS net", value: net}).withHeap(&before)
	expect(len(ints) == 1000000 && len(boxes) == 500000, "entries of the maps")
	return r
}

func mapWorkloads() []workload {
	var list []workload
	sized := func(name string, run func(bool, int) *result, sizes ...int) {
		for _, n := range sizes {
			n := n
			list = append(list, workload{name + strconv.Itoa(n), func(quick bool) *result { return run(quick, n) }})
		}
	}
	sized("map-hit-i64-", mapHitI64, 16, 1000, 100000, 4000000)
	sized("map-miss-i64-", mapMissI64, 16, 1000, 100000, 4000000)
	sized("map-hit-str-", mapHitStr, 16, 1000, 100000, 4000000)
	sized("map-insert-grow-i64-", mapInsertGrowI64, 1000, 100000, 1000000)
	list = append(list, workload{"map-iter-i64", mapIterI64}, workload{"map-churn-i64", mapChurnI64})
	gc := func(name string, make func() any) {
		list = append(list, workload{"map-gc-1e6-" + name, func(quick bool) *result { return mapGC(quick, make) }})
	}
	gc("int-int", mapIntInt)
	gc("int-anysmall", mapIntAnySmall)
	gc("int-ptr", mapIntPtr)
	gc("int-any", mapIntAny)
	gc("string-int", mapStringInt)
	gc("string-any", mapStringAny)
	return append(list, workload{"rss-map-64m", rssMap64m})
}
