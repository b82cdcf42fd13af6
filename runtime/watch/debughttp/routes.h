// SPDX-License-Identifier: MIT
// The routes that every debug server has: the start page, /metrics, /debug/gc and /debug/pprof/.
// Each is a read of what it observes.
#pragma once

#include "runtime/watch/debughttp/debug_server.h"
#include "runtime/watch/debughttp/observed_runtimes.h"

namespace greyhound::serve {

// `observed` must outlive the server.
void add_routes(DebugServer* server, ObservedRuntimes* observed, const ServerOptions& options);
// Part of them: Go's net/http/pprof.
void add_pprof_routes(DebugServer* server, ObservedRuntimes* observed);

}  // namespace greyhound::serve
