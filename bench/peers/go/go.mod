module greyhound/bench/peers

go 1.19
