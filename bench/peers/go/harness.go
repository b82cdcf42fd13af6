// SPDX-License-Identifier: MIT

// The Go peer: harness.h's random numbers, keys, clocks, timing loop and histogram, in Go and by the
// same names, so that a column differs from its neighbour only in what it measures. ../README.md
// specifies the workloads. Go 1.19 and later, standard library only.

package main

import (
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mix64 is the finalizer of splitmix64, a bijection: distinct i give distinct keys.
func mix64(i uint64) uint64 {
	z := (i + 1) * 0x9E3779B97F4A7C15
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return z ^ (z >> 31)
}

// random is splitmix64: the n-th number of seed s is mix64 shifted by s.
type random uint64

func (r *random) next() uint64 {
	*r++
	return mix64(uint64(*r - 1))
}

const shuffleSeed = 0x6772657968756E64

func intKey(i uint64) int64 { return int64(mix64(i)) }

// stringKey gives "key-" and twelve digits, newly allocated.
func stringKey(i uint64) string {
	text := [16]byte{'k', 'e', 'y', '-'}
	for at := 15; at > 3; at-- {
		text[at] = byte('0' + i%10)
		i /= 10
	}
	return string(text[:])
}

// shuffledIndices gives 0 … n-1 in the one order that every peer probes in.
func shuffledIndices(n int) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	r := random(shuffleSeed)
	for i := n; i > 1; i-- {
		j := r.next() % uint64(i)
		order[i-1], order[j] = order[j], order[i-1]
	}
	return order
}

// cpuSeconds is the user plus system time of the whole process, collector threads included.
func cpuSeconds() float64 {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		panic(err)
	}
	return float64(use.Utime.Nano()+use.Stime.Nano()) * 1e-9
}

// peakRSSkB is VmHWM, not getrusage's ru_maxrss, which survives exec.
func peakRSSkB() uint64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			kB, err := strconv.ParseUint(strings.Fields(line)[1], 10, 64)
			if err != nil {
				panic(err)
			}
			return kB
		}
	}
	panic("/proc/self/status has no VmHWM line")
}

func expect(holds bool, what string) {
	if !holds {
		panic("wrong result: " + what)
	}
}

type figure struct {
	name  string
	value float64
}

type result struct {
	unit  string
	value float64
	extra []figure
}

func (r *result) with(name string, value float64) *result {
	r.extra = append(r.extra, figure{name, value})
	return r
}

// withHeap adds the bytes that live and the cycles since `before`, read outside what is timed.
func (r *result) withHeap(before *runtime.MemStats) *result {
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	return r.with("live_bytes", float64(after.HeapAlloc)).with("cycles", float64(after.NumGC-before.NumGC))
}

func targetSeconds(quick bool) float64 {
	if quick {
		return 0.1
	}
	return 0.3
}

// timePerOp runs run(n), which does n rounds of opsPerRound operations, for the target time.
// Warm-up: n doubles from 1 until a call takes an eighth of the target.
func timePerOp(quick bool, opsPerRound int, run func(n int)) *result {
	target := targetSeconds(quick) * 1e9
	rounds := 1
	var took float64
	for ; ; rounds *= 2 {
		start := time.Now()
		run(rounds)
		took = float64(time.Since(start).Nanoseconds())
		if took >= target/8 {
			break
		}
	}
	rounds = int(float64(rounds)*target/took) + 1
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuSeconds()
	start := time.Now()
	run(rounds)
	took = float64(time.Since(start).Nanoseconds())
	ops := float64(rounds) * float64(opsPerRound)
	r := &result{unit: "ns/op", value: took / ops}
	return r.with("ops", ops).with("cpu_ns", (cpuSeconds()-cpu)*1e9/ops).withHeap(&before)
}

func median(values []float64) float64 {
	sort.Float64s(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}

// timeCycles times one full forced collection, `cycles` times after one warm-up, and gives the median
// wall and CPU seconds. runtime.GC also waits for its sweep.
func timeCycles(cycles int) (wall, cpu float64) {
	runtime.GC()
	var walls, cpus []float64
	for i := 0; i < cycles; i++ {
		cpuStart := cpuSeconds()
		start := time.Now()
		runtime.GC()
		walls = append(walls, time.Since(start).Seconds())
		cpus = append(cpus, cpuSeconds()-cpuStart)
	}
	return median(walls), median(cpus)
}

const steps = 58 * 128

// latencyHistogram counts by value with 128 steps an octave and keeps the maximum exactly.
type latencyHistogram struct {
	counts [steps]uint64
	total  uint64
	max    uint64
}

func (h *latencyHistogram) record(ns uint64) {
	step := ns
	if ns >= 128 {
		shift := uint64(bits.Len64(ns) - 8)
		step = shift*128 + ns>>shift
	}
	h.counts[step]++
	h.total++
	if ns > h.max {
		h.max = ns
	}
}

func (h *latencyHistogram) percentileMs(q float64) float64 {
	wanted := uint64(q * float64(h.total))
	var seen uint64
	for i, count := range h.counts {
		seen += count
		if seen > wanted {
			upper := uint64(i)
			if i >= 256 {
				shift := uint64(i/128 - 1)
				upper = (uint64(i)-shift*128+1)<<shift - 1
			}
			if upper > h.max {
				upper = h.max
			}
			return float64(upper) * 1e-6
		}
	}
	return float64(h.max) * 1e-6
}

var histogram latencyHistogram // not on the heap: recording changes no pacing

// timeLatency runs operation back to back, at most mostOps times; one starts where the last one
// ended, so no stall falls between two of them.
func timeLatency(quick bool, mostOps uint64, operation func()) *result {
	for i := 0; i < 1000; i++ {
		operation()
	}
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	length := 10 * time.Second
	if quick {
		length = 3 * time.Second
	}
	cpu := cpuSeconds()
	first := time.Now()
	var start, stop time.Duration
	for ; start < length && histogram.total < mostOps; start = stop {
		operation()
		stop = time.Since(first)
		histogram.record(uint64(stop - start))
	}
	ops := float64(histogram.total)
	r := &result{unit: "ms p99.9", value: histogram.percentileMs(0.999)}
	r.with("p50", histogram.percentileMs(0.5)).with("p99", histogram.percentileMs(0.99))
	r.with("p999", r.value).with("max", float64(histogram.max)*1e-6).with("ops", ops)
	r.with("mean", start.Seconds()*1e3/ops).with("cpu_ns", (cpuSeconds()-cpu)*1e9/ops)
	return r.withHeap(&before)
}

type workload struct {
	name string
	run  func(quick bool) *result
}

func runOne(w workload, quick bool) (code int) {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", w.name, problem)
			code = 1
		}
	}()
	r := w.run(quick)
	r.with("rss_kb", float64(peakRSSkB())).with("user_s", cpuSeconds())
	fmt.Printf("{\"workload\":%q,\"unit\":%q,\"value\":%.6g", w.name, r.unit, r.value)
	for _, f := range r.extra {
		fmt.Printf(",%q:%.9g", f.name, f.value)
	}
	fmt.Println("}")
	return 0
}

func usage() {
	fmt.Fprintf(os.Stderr, "usage: %s --list | --version | --run NAME [--quick]\n", os.Args[0])
	os.Exit(2)
}

func main() {
	runtime.GOMAXPROCS(2)
	workloads := append(append(allocWorkloads(), treeWorkloads()...), append(orderWorkloads(), mapWorkloads()...)...)
	name, quick := "", false
	for args := os.Args[1:]; len(args) > 0; args = args[1:] {
		switch {
		case args[0] == "--list":
			for _, w := range workloads {
				fmt.Println(w.name)
			}
			return
		case args[0] == "--version":
			fmt.Println(runtime.Version())
			return
		case args[0] == "--quick":
			quick = true
		case args[0] == "--run" && len(args) > 1:
			name = args[1]
			args = args[1:]
		default:
			usage()
		}
	}
	for _, w := range workloads {
		if w.name == name {
			os.Exit(runOne(w, quick))
		}
	}
	fmt.Fprintf(os.Stderr, "%s has no workload '%s'; --list names them\n", os.Args[0], name)
	os.Exit(2)
}
