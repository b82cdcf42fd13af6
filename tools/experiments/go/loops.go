// SPDX-License-Identifier: MIT

// X1 and X15: loops over maps keyed by strings. As map_loops.cc.

package main

const keyCount = 64

var keys = makeKeys()

// Package-level, so that what is stored here escapes and no loop is optimised away.
var (
	sum      int
	found    int
	wideSink wide
	address  *int
	intMap   map[string]int
	anyMap   map[string]any
	wideMap  map[string]wide
	runSeven = 7
	loopArms = []arm{
		{"read-int", readInt},
		{"read-any", readAny},
		{"read-wide", readWide},
		{"write-int", writeInt},
		{"write-any-small", writeAnySmall},
		{"write-any-big", writeAnyBig},
		{"address-of-v", addressOfV},
	}
)

type wide [8]int64

func makeKeys() (keys [keyCount]string) {
	for i := range keys {
		keys[i] = "key-" + string([]byte{byte('0' + i/10), byte('0' + i%10)})
	}
	return keys
}

func makeMaps() {
	intMap, anyMap, wideMap = map[string]int{}, map[string]any{}, map[string]wide{}
	for i, key := range keys {
		intMap[key] = 1000 + i
		anyMap[key] = 1000 + i
		wideMap[key] = wide{int64(i)}
	}
}

func readInt(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := intMap
		for i := 0; i < n; i++ {
			sum += m[keys[i%keyCount]]
		}
	})
}

func readAny(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := anyMap
		for i := 0; i < n; i++ {
			if v, ok := m[keys[i%keyCount]]; ok && v != nil {
				found++
			}
		}
	})
}

func readWide(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := wideMap
		for i := 0; i < n; i++ {
			v, ok := m[keys[i%keyCount]]
			if ok {
				found++
			}
			wideSink = v
		}
	})
}

func writeInt(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := intMap
		for i := 0; i < n; i++ {
			m[keys[i%keyCount]] = 1000 + i
		}
	})
}

// The value comes from a variable: a constant would be boxed by the compiler.
func writeAnySmall(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := anyMap
		for i := 0; i < n; i++ {
			m[keys[i%keyCount]] = runSeven
		}
	})
}

func writeAnyBig(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := anyMap
		for i := 0; i < n; i++ {
			m[keys[i%keyCount]] = 1000 + i
		}
	})
}

//go:noinline
func addressOf(m map[string]int, key string) *int {
	v, ok := m[key]
	if !ok {
		return nil
	}
	return &v
}

func addressOfV(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := intMap
		for i := 0; i < n; i++ {
			address = addressOf(m, keys[i%keyCount])
		}
	})
}
