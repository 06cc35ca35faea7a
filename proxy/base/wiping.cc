// The switch alone; who looks at it is wiped_heap.cc.
#include "proxy/base/wiping.h"

namespace postigo {

constinit thread_local bool wiping_frees = false;

}  // namespace postigo
