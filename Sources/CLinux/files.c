// SPDX-License-Identifier: Apache-2.0
#include "CLinux.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

const char *wm_error_text(int code) { return strerrordesc_np(code); }

int wm_spread_subfolders(int folder) {
    int flags = 0;
    if (ioctl(folder, FS_IOC_GETFLAGS, &flags) < 0) return -1;
    if (flags & FS_TOPDIR_FL) return 0;
    flags |= FS_TOPDIR_FL;
    return ioctl(folder, FS_IOC_SETFLAGS, &flags);
}

void wm_name_thread(const char *name) {
    char first[16];
    strncpy(first, name, sizeof first - 1);
    first[sizeof first - 1] = 0;
    pthread_setname_np(pthread_self(), first);
}

static struct flock whole_file(short type) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

int wm_lock_try(int fd, bool exclusive) {
    struct flock lock = whole_file(exclusive ? F_WRLCK : F_RDLCK);
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int wm_lock_release(int fd) {
    struct flock lock = whole_file(F_UNLCK);
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int wm_lock_is_held(int fd) {
    struct flock lock = whole_file(F_WRLCK);
    if (fcntl(fd, F_OFD_GETLK, &lock) < 0) return -1;
    return lock.l_type != F_UNLCK;
}

int wm_rename_new(int from_folder, const char *from, int to_folder, const char *to) {
    return renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE);
}

ssize_t wm_list(int folder, void *buffer, size_t size) { return getdents64(folder, buffer, size); }

const char *wm_list_next(const void *buffer, size_t filled, size_t *offset) {
    if (*offset >= filled) return NULL;
    const struct dirent64 *entry = (const void *)((const char *)buffer + *offset);
    *offset += entry->d_reclen;
    return entry->d_name;
}

int wm_begin_writing(int fd) { return sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); }

int64_t wm_file_system_type(int fd) {
    struct statfs status;
    if (fstatfs(fd, &status) < 0) return -1;
    return (int64_t)status.f_type;
}

int wm_sync_file_system(int fd) { return syncfs(fd); }

int wm_open_by_steps(int folder, const char *path) {
    int at = folder;
    for (;;) {
        size_t length = strcspn(path, "/");
        char name[NAME_MAX + 1];
        int opened = -1;
        if (length == 0 || (length == 2 && path[0] == '.' && path[1] == '.')) {
            errno = EXDEV;
        } else if (length > NAME_MAX) {
            errno = ENAMETOOLONG;
        } else {
            memcpy(name, path, length);
            name[length] = 0;
            int kind = path[length] == '/' ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK;
            opened = openat(at, name, kind | O_CLOEXEC | O_NOFOLLOW);
        }
        int code = errno;
        if (at != folder) close(at);
        errno = code;
        if (opened < 0 || path[length] == 0) return opened;
        at = opened;
        path += length + 1;
    }
}

int wm_open_beneath(int folder, const char *path, bool cached) {
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | (cached ? RESOLVE_CACHED : 0),
    };
    int opened = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    // RestrictSUIDSGID= of systemd refuses it, because a filter cannot look into its flags; so do old containers.
    bool refused = opened < 0 && (errno == ENOSYS || errno == EPERM);
    return refused && !cached ? wm_open_by_steps(folder, path) : opened;
}

ssize_t wm_read_cached(int fd, void *bytes, size_t count, off_t offset) {
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    return preadv2(fd, &part, 1, offset, RWF_NOWAIT);
}

// CRC-32C: eight tables of 256 (slicing by eight), filled on first use; the SSE 4.2 instruction where there is one.

static uint32_t table[8][256];

static void __attribute__((constructor)) fill_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int slice = 1; slice < 8; slice++)
            table[slice][i] = (table[slice - 1][i] >> 8) ^ table[0][table[slice - 1][i] & 0xFF];
}

static uint32_t crc_portable(uint32_t crc, const uint8_t *bytes, size_t count) {
    while (count >= 8) {
        uint32_t low, high;
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + 4, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        low = __builtin_bswap32(low);
        high = __builtin_bswap32(high);
#endif
        low ^= crc;
        crc = table[7][low & 0xFF] ^ table[6][(low >> 8) & 0xFF] ^ table[5][(low >> 16) & 0xFF] ^
              table[4][low >> 24] ^ table[3][high & 0xFF] ^ table[2][(high >> 8) & 0xFF] ^
              table[1][(high >> 16) & 0xFF] ^ table[0][high >> 24];
        bytes += 8;
        count -= 8;
    }
    while (count--) crc = (crc >> 8) ^ table[0][(crc ^ *bytes++) & 0xFF];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t wide = crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, word);
        bytes += 8;
        count -= 8;
    }
    crc = (uint32_t)wide;
    while (count--) crc = __builtin_ia32_crc32qi(crc, *bytes++);
    return crc;
}
#endif

uint32_t wm_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~crc_sse42(~crc, bytes, count);
#endif
    return ~crc_portable(~crc, bytes, count);
}
