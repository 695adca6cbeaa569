// SwiftPM wants a source file for a C target; everything is inline in the header.
#include "CLinux.h"
