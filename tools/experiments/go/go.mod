module greyhound/lab

go 1.19
