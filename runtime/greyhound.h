// SPDX-License-Identifier: MIT
// Everything an embedder needs: Runtime and Thread, Ref fields, handles, weak references, stacks of
// coroutines, strings, interfaces, maps.
#pragma once

#include "maps/map.h"
#include "runtime/handle.h"
#include "runtime/iface.h"
#include "runtime/runtime.h"
#include "runtime/stack.h"
#include "runtime/string.h"
#include "runtime/type_builder.h"
#include "runtime/weak.h"
