// SPDX-License-Identifier: MIT

// X3: where ok lives. As where_ok_lives.cc, except that here Go's compiler decides.

package main

const slots = 1024

var (
	bools   [slots]bool
	anys    [slots]any
	closure func() bool
	okSink  *bool
	okArms  = []arm{
		{"ok-returned", okLoop(returned)},
		{"ok-bools", okLoop(intoBools)},
		{"ok-anys", okLoop(intoAnys)},
		{"ok-by-value", okLoop(capturedByValue)},
		{"ok-by-reference", okLoop(capturedByReference)},
		{"ok-address", okLoop(addressTaken)},
	}
)

//go:noinline
func returned(m map[string]any, key string, i int) bool {
	_, ok := m[key]
	return ok
}

//go:noinline
func intoBools(m map[string]any, key string, i int) bool {
	_, ok := m[key]
	bools[i%slots] = ok
	return ok
}

//go:noinline
func intoAnys(m map[string]any, key string, i int) bool {
	_, ok := m[key]
	anys[i%slots] = ok
	return ok
}

//go:noinline
func capturedByValue(m map[string]any, key string, i int) bool {
	_, ok := m[key]
	closure = func() bool { return ok }
	return ok
}

//go:noinline
func capturedByReference(m map[string]any, key string, i int) bool {
	_, ok := m[key]
	closure = func() bool {
		ok = !ok
		return ok
	}
	return ok
}

//go:noinline
func addressTaken(m map[string]any, key string, i int) bool {
	_, ok := m[key]
	okSink = &ok
	return ok
}

func okLoop(use func(m map[string]any, key string, i int) bool) func(ops int) figures {
	return func(ops int) figures {
		makeMaps()
		return measure(ops, func(n int) {
			m := anyMap
			for i := 0; i < n; i++ {
				if use(m, keys[i%keyCount], i) {
					found++
				}
			}
		})
	}
}
