#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>

// The thread sanitizer sees only what it has compiled. A Mutex of Swift that is waited for is taken, and given to who waits, within
// libswiftSynchronization, which it has not: without this it would take whatever such a Mutex guards for a race. Loaded before every program
// that `Tests/run.sh --sanitize thread` starts; most of those are not built with the sanitizer.

__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

static void *real(const char *name, _Atomic(void *) *found) {
    void *function = atomic_load(found);
    if (!function) {
        function = dlsym(RTLD_NEXT, name);
        atomic_store(found, function);
    }
    return function;
}

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef __attribute__((swiftcall)) void lock_slow(uint32_t thread, __attribute__((swift_context)) void *mutex);
typedef __attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *mutex);

lock_slow seen_lock_slow __asm__(LOCK_SLOW);
unlock_slow seen_unlock_slow __asm__(UNLOCK_SLOW);

__attribute__((swiftcall)) void seen_lock_slow(uint32_t thread, __attribute__((swift_context)) void *mutex) {
    static _Atomic(void *) found;
    ((lock_slow *)real(LOCK_SLOW, &found))(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

__attribute__((swiftcall)) void seen_unlock_slow(__attribute__((swift_context)) void *mutex) {
    static _Atomic(void *) found;
    if (__tsan_release) __tsan_release(mutex);
    ((unlock_slow *)real(UNLOCK_SLOW, &found))(mutex);
}
