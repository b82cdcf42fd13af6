// SPDX-License-Identifier: MIT

// Binary trees: the benchmarks game's program, a full cycle over 67 M nodes, the latency of operations
// beside them, and the memory they take. Nodes are made children first.

package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	markTrees        = 32
	markTreesQuick   = 4
	markTreeDepth    = 20
	latencyTrees     = 10
	latencyTreeDepth = 6
	rssLiveTrees     = 2
	rssGarbageDepth  = 10
	rssGarbageTrees  = (1 << 30) / (2047 * 16)
)

var (
	forest   []*node
	treeSink *node
)

func treeNodes(depth uint) uint64 { return 2<<depth - 1 }

func build(depth uint) *node {
	if depth == 0 {
		return &node{}
	}
	left := build(depth - 1)
	right := build(depth - 1)
	return &node{left, right}
}

func (n *node) count() uint64 {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func binaryTrees18(gcPercent int) *result {
	debug.SetGCPercent(gcPercent)
	const minDepth, maxDepth = 4, 18
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	expect(build(maxDepth+1).count() == treeNodes(maxDepth+1), "nodes of the stretch tree")
	longLived := build(maxDepth)
	for depth := uint(minDepth); depth <= maxDepth; depth += 2 {
		iterations := uint64(1) << (maxDepth - depth + minDepth)
		var check uint64
		for i := uint64(0); i < iterations; i++ {
			check += build(depth).count()
		}
		expect(check == iterations*treeNodes(depth), "nodes of the short-lived trees")
	}
	expect(longLived.count() == treeNodes(maxDepth), "nodes of the long-lived tree")
	wall := time.Since(start).Seconds()
	r := &result{unit: "s user+sys", value: cpuSeconds()}
	return r.with("wall_s", wall).withHeap(&before)
}

func buildForest(trees int) {
	forest = make([]*node, trees)
	for i := range forest {
		forest[i] = build(markTreeDepth)
	}
}

// buildShuffledForest builds the same trees, with every node at a random place of the heap.
func buildShuffledForest(trees int) {
	perTree := int(treeNodes(markTreeDepth))
	order := make([]*node, trees*perTree)
	for i := range order {
		order[i] = &node{}
	}
	r := random(shuffleSeed)
	for i := len(order); i > 1; i-- {
		j := r.next() % uint64(i)
		order[i-1], order[j] = order[j], order[i-1]
	}
	forest = make([]*node, trees)
	for t := range forest {
		tree := order[t*perTree : (t+1)*perTree]
		for i := 0; 2*i+2 < perTree; i++ {
			tree[i].left, tree[i].right = tree[2*i+1], tree[2*i+2]
		}
		forest[t] = tree[0]
	}
}

func markTreeCount(quick bool) int {
	if quick {
		return markTreesQuick
	}
	return markTrees
}

func mark1g(quick bool, buildIt func(trees int)) *result {
	buildIt(markTreeCount(quick))
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	wall, cpu := timeCycles(3)
	for _, tree := range forest {
		expect(tree.count() == treeNodes(markTreeDepth), "nodes of a tree")
	}
	nodes := float64(len(forest)) * float64(treeNodes(markTreeDepth))
	r := &result{unit: "ns/object", value: wall * 1e9 / nodes}
	r.with("objects", nodes).with("cycle_ms", wall*1e3).with("cycle_cpu_ms", cpu*1e3)
	return r.withHeap(&before)
}

// latencyOffOps: without a collector every operation's 20 KiB stay: 4 GiB, quick 1 GiB.
func latencyOffOps(quick bool) uint64 {
	if quick {
		return 50000
	}
	return 200000
}

// latency1g, with a bound on the operations, has the collector off once the heap stands.
func latency1g(quick bool, mostOps uint64) *result {
	buildForest(markTreeCount(quick))
	runtime.GC()
	if mostOps != math.MaxUint64 {
		debug.SetGCPercent(-1)
	}
	r := timeLatency(quick, mostOps, func() {
		for i := 0; i < latencyTrees; i++ {
			treeSink = build(latencyTreeDepth)
		}
	})
	runtime.KeepAlive(forest)
	return r
}

func makeGarbage() {
	for i := 0; i < rssGarbageTrees; i++ {
		treeSink = build(rssGarbageDepth)
	}
}

func rss64m(bool) *result {
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	rss := peakRSSkB()
	buildForest(rssLiveTrees)
	makeGarbage()
	net := float64(peakRSSkB()-rss) / 1024
	runtime.GC()
	r := (&result{unit: "MiB RSS net", value: net}).withHeap(&before)
	runtime.KeepAlive(forest)
	return r
}

func treeWorkloads() []workload {
	return []workload{
		{"binary-trees-18", func(bool) *result { return binaryTrees18(100) }},
		{"binary-trees-18-400", func(bool) *result { return binaryTrees18(400) }},
		{"mark-1g", func(quick bool) *result { return mark1g(quick, buildForest) }},
		{"mark-1g-shuffled", func(quick bool) *result { return mark1g(quick, buildShuffledForest) }},
		{"latency-1g", func(quick bool) *result { return latency1g(quick, math.MaxUint64) }},
		{"latency-1g-off", func(quick bool) *result { return latency1g(quick, latencyOffOps(quick)) }},
		{"rss-64m", rss64m},
	}
}
