// SPDX-License-Identifier: MIT

// X12: every way to read and to write a map, so that the functions whose code is read are in the program.

package main

type wideKey struct{ a, b, c int }

var (
	int64Map  map[int64]int
	wideKeyed map[wideKey]int
	boxed     any
	callArms  = []arm{{"map-calls", mapCalls}}
)

func mapCalls(ops int) figures {
	makeMaps()
	int64Map, wideKeyed = map[int64]int{}, map[wideKey]int{}
	return measure(ops, func(n int) {
		for i := 0; i < n; i++ {
			int64Map[int64(i%keyCount)] = i
			wideKeyed[wideKey{i % keyCount, 0, 0}] = i
			intMap[keys[i%keyCount]] = i
			sum += int64Map[int64(i%keyCount)] + wideKeyed[wideKey{i, 0, 0}] + intMap[keys[i%keyCount]]
			_, ok64 := int64Map[int64(i)]
			_, okWide := wideKeyed[wideKey{i, 0, 0}]
			_, okString := intMap[keys[i%keyCount]]
			if ok64 || okWide || okString {
				found++
			}
			boxed = i
		}
	})
}
