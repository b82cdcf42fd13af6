// SPDX-License-Identifier: MIT

// Trees of GCBench's nodes: what marking one costs by the order in which it was made, and GCBench.
// ../trees.h has the same by the same names.

package main

import (
	"runtime"
	"time"
)

const orderTreeDepth = 20

type benchNode struct {
	left, right *benchNode
	i, j        int32
}

type place struct {
	parent *benchNode
	right  int
}

var (
	tree      *benchNode
	benchSink *benchNode
)

func buildBench(depth uint) *benchNode {
	if depth == 0 {
		return &benchNode{}
	}
	left := buildBench(depth - 1)
	right := buildBench(depth - 1)
	return &benchNode{left: left, right: right}
}

func (n *benchNode) count() uint64 {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func populate(depth uint, node *benchNode) {
	if depth == 0 {
		return
	}
	node.left = &benchNode{}
	node.right = &benchNode{}
	populate(depth-1, node.left)
	populate(depth-1, node.right)
}

func growInRandomOrder(depth int32, root *benchNode) {
	r := random(shuffleSeed)
	places := make([]place, 1<<depth)
	open := uint64(0)
	add := func(node *benchNode, below int32) {
		node.i = below
		for right := 0; below != 0 && right < 2; right++ {
			places[open] = place{node, right}
			open++
		}
	}
	add(root, depth)
	for open != 0 {
		at := r.next() % open
		open--
		taken := places[at]
		places[at] = places[open]
		child := &benchNode{}
		if taken.right != 0 {
			taken.parent.right = child
		} else {
			taken.parent.left = child
		}
		add(child, taken.parent.i-1)
	}
}

func markOrder(buildIt func(root *benchNode)) *result {
	tree = &benchNode{}
	buildIt(tree)
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	wall, cpu := timeCycles(3)
	expect(tree.count() == treeNodes(orderTreeDepth), "nodes of the tree")
	nodes := float64(treeNodes(orderTreeDepth))
	r := &result{unit: "ns/object", value: wall * 1e9 / nodes}
	r.with("objects", nodes).with("cycle_ms", wall*1e3).with("cycle_cpu_ms", cpu*1e3)
	return r.withHeap(&before)
}

func gcbench(bool) *result {
	const stretchDepth, longLivedDepth, minDepth, maxDepth, numbers = 18, 16, 4, 16, 500000
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	expect(buildBench(stretchDepth).count() == treeNodes(stretchDepth), "nodes of the stretch tree")
	longLived := &benchNode{}
	populate(longLivedDepth, longLived)
	array := make([]float64, numbers)
	for i := 1; i < numbers/2; i++ {
		array[i] = 1 / float64(i)
	}
	for depth := uint(minDepth); depth <= maxDepth; depth += 2 {
		iterations := 2 * treeNodes(stretchDepth) / treeNodes(depth)
		for i := uint64(0); i < iterations; i++ {
			benchSink = &benchNode{}
			populate(depth, benchSink)
		}
		for i := uint64(0); i < iterations; i++ {
			benchSink = buildBench(depth)
		}
	}
	expect(longLived.count() == treeNodes(longLivedDepth), "nodes of the long-lived tree")
	expect(array[1000] == 1.0/1000, "the array of numbers")
	wall := time.Since(start).Seconds()
	r := &result{unit: "s user+sys", value: cpuSeconds()}
	return r.with("wall_s", wall).withHeap(&before)
}

func orderWorkloads() []workload {
	return []workload{
		{"mark-topdown", func(bool) *result {
			return markOrder(func(root *benchNode) { populate(orderTreeDepth, root) })
		}},
		{"mark-random-order", func(bool) *result {
			return markOrder(func(root *benchNode) { growInRandomOrder(orderTreeDepth, root) })
		}},
		{"gcbench", gcbench},
	}
}
