/* A disk with a flush time: every flush takes four milliseconds more.
 *
 * For LD_PRELOAD. Disks that keep what they acknowledge flush between 129 and 753 times a second; a
 * virtual machine's disk may say that it is done in a tenth of that, and then a commit for each
 * request costs next to nothing. */

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int flush(long call, int file)
{
    struct timespec left = {.tv_sec = 0, .tv_nsec = 4 * 1000 * 1000};
    int result = (int)syscall(call, file);
    while (nanosleep(&left, &left) != 0) {
    }
    return result;
}

int fsync(int file)
{
    return flush(SYS_fsync, file);
}

int fdatasync(int file)
{
    return flush(SYS_fdatasync, file);
}
