/* Preloaded into the daemon: whenever it gives memory back, note how much its heap has given out.
 * $HEAP_GAUGE names a file of one int64 in host order: bytes, as of the last malloc_trim. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*malloc_trim_t)(size_t);

int malloc_trim(size_t pad)
{
    malloc_trim_t real_trim = (malloc_trim_t)dlsym(RTLD_NEXT, "malloc_trim");
    int given_back = real_trim(pad);
    const char *path = getenv("HEAP_GAUGE");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        struct mallinfo2 heap = mallinfo2();
        int64_t given_out = (int64_t)(heap.uordblks + heap.hblkhd);
        if (pwrite(file, &given_out, sizeof given_out, 0) != sizeof given_out)
            abort();
        close(file);
    }
    return given_back;
}
