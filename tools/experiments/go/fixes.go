// SPDX-License-Identifier: MIT

// X14: four fixes, before and after. As before_and_after.cc.

package main

const mapEntries = 1000

var fixArms = []arm{
	{"box-before", boxBefore},
	{"box-after", boxAfter},
	{"map-before", func(ops int) figures { return buildMaps(ops, 0) }},
	{"map-after", func(ops int) figures { return buildMaps(ops, mapEntries) }},
	{"write-before", writeAnyBig},
	{"write-after", writeInt},
	{"read-before", readAsserted},
	{"read-after", readInt},
	{"parse-before", func(ops int) figures { return parses(ops, parse) }},
	{"parse-after", func(ops int) figures { return parses(ops, kept) }},
	{"parse-moved", func(ops int) figures { return parses(ops, keptMoved) }},
}

//go:noinline
func wrap(v int) any { return v }

func wrapInline(v int) any { return v }

func boxBefore(ops int) figures {
	return measure(ops, func(n int) {
		for i := 0; i < n; i++ {
			sum += wrap(1000 + i).(int)
		}
	})
}

func boxAfter(ops int) figures {
	return measure(ops, func(n int) {
		for i := 0; i < n; i++ {
			sum += wrapInline(1000 + i).(int)
		}
	})
}

var builtMap map[int]int

func buildMaps(ops, hint int) figures {
	if ops /= mapEntries; ops == 0 {
		ops = 1
	}
	return measure(ops, func(n int) {
		for ; n > 0; n-- {
			builtMap = make(map[int]int, hint)
			for i := 0; i < mapEntries; i++ {
				builtMap[i] = 1000 + i
			}
		}
	})
}

func readAsserted(ops int) figures {
	makeMaps()
	return measure(ops, func(n int) {
		m := anyMap
		for i := 0; i < n; i++ {
			sum += m[keys[i%keyCount]].(int)
		}
	})
}

type field struct{ name, value string }

type parsed struct {
	fields              []field
	numbers, total, len int
}

const text = "name=greyhound;kind=dog;speed=72;weight=31"

var (
	parseText = text
	cache     = map[string]*parsed{}
)

//go:noinline
func clone(s string) string { return string([]byte(s)) }

func index(s string, c byte) int {
	for i := 0; i < len(s); i++ {
		if s[i] == c {
			return i
		}
	}
	return len(s)
}

func number(s string) int {
	value := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		value = value*10 + int(s[i]-'0')
	}
	return value
}

//go:noinline
func parse(s string) parsed {
	result := parsed{fields: make([]field, 0, 4)}
	for len(s) > 0 {
		end := index(s, ';')
		part := s[:end]
		if end == len(s) {
			s = ""
		} else {
			s = s[end+1:]
		}
		equals := index(part, '=')
		result.fields = append(result.fields, field{clone(part[:equals]), clone(part[equals+1:])})
		if value := number(part[equals+1:]); value != 0 {
			result.numbers++
			result.total += value
		}
		result.len += len(part)
	}
	return result
}

//go:noinline
func kept(s string) parsed {
	if c, ok := cache[s]; ok {
		return *c
	}
	r := parse(s)
	cache[s] = &r
	return r
}

// keptMoved keeps the address of its result, which is therefore made on the heap, at a hit as well.
//
//go:noinline
func keptMoved(s string) (r parsed) {
	if c, ok := cache[s]; ok {
		r = *c
		return
	}
	r = parse(s)
	cache[s] = &r
	return
}

func parses(ops int, get func(string) parsed) figures {
	return measure(ops, func(n int) {
		for i := 0; i < n; i++ {
			sum += get(parseText).total
		}
	})
}
