// SPDX-License-Identifier: Apache-2.0
// Counters that every thread of a process adds to and other processes read, without a lock.
#include "CLinux.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

// Counted here until master has given the process its page.
static uint64_t private_page[WM_COUNTER_PAGE / sizeof(uint64_t)];
static uint64_t *_Atomic own_page = private_page;

static uint64_t *counter(unsigned number) {
    return atomic_load_explicit(&own_page, memory_order_acquire) + WM_COUNTER_FIRST + number;
}

void wm_count(unsigned number, uint64_t more) {
    __atomic_fetch_add(counter(number), more, __ATOMIC_RELAXED);
}

void wm_gauge(unsigned number, uint64_t value) {
    __atomic_store_n(counter(number), value, __ATOMIC_RELAXED);
}

uint64_t wm_counted(unsigned number) {
    return __atomic_load_n(counter(number), __ATOMIC_RELAXED);
}

int wm_share_counters(int fd) {
    uint64_t *page = mmap(NULL, WM_COUNTER_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) return -1;
    uint64_t *old = atomic_exchange_explicit(&own_page, page, memory_order_acq_rel);
    if (old != private_page) {
        munmap(page, WM_COUNTER_PAGE);
        atomic_store_explicit(&own_page, old, memory_order_release);
        errno = EALREADY;
        return -1;
    }
    for (unsigned i = WM_COUNTER_FIRST; i < WM_COUNTER_PAGE / sizeof(uint64_t); i++)
        __atomic_fetch_add(page + i, __atomic_exchange_n(old + i, 0, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    return 0;
}
