/* An ALSA capture device that fails on command: no driver, no server.
 *
 *   pcm.NAME { type faulty sound "/raw.s16" command "/one-letter" }
 *
 * sound    16-bit mono 16 kHz, repeated for ever
 * command  a file of one byte, mapped, so that a new letter counts at once:
 *          g  it works
 *          s  it stalls: no sample and no error; what is said meanwhile never comes
 *          d  the device is gone: ENODEV from everything
 *          z  it works, and delivers exact zeros
 *          w  it is weird: gone and there again from call to call
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const double NS = 1e9;

struct device {
    snd_pcm_ioplug_t io;
    const volatile char *command;
    const int16_t *sound;
    size_t sound_frames;
    int timer;
    double recorded; /* frames since the start */
    int64_t taken;   /* of these, read */
    int64_t looked_ns;
    unsigned calls;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)NS + now.tv_nsec;
}

static int is_gone(struct device *device)
{
    char command = *device->command;
    return command == 'd' || (command == 'w' && ++device->calls % 7 == 0);
}

static void go_on(struct device *device)
{
    int64_t now = now_ns();
    if (*device->command != 's')
        device->recorded += (now - device->looked_ns) / NS * device->io.rate;
    device->looked_ns = now;
}

static int set_timer(struct device *device, double period_ns)
{
    struct timespec period = {(time_t)(period_ns / NS), (long)period_ns % (long)NS};
    struct itimerspec every = {period, period};
    return timerfd_settime(device->timer, 0, &every, NULL);
}

static int on_prepare(snd_pcm_ioplug_t *io)
{
    return is_gone(io->private_data) ? -ENODEV : 0;
}

static int on_start(snd_pcm_ioplug_t *io)
{
    struct device *device = io->private_data;
    if (is_gone(device))
        return -ENODEV;
    device->recorded = 0;
    device->taken = 0;
    device->looked_ns = now_ns();
    return set_timer(device, io->period_size * NS / io->rate);
}

static int on_stop(snd_pcm_ioplug_t *io)
{
    return set_timer(io->private_data, 0);
}

static snd_pcm_sframes_t on_pointer(snd_pcm_ioplug_t *io)
{
    struct device *device = io->private_data;
    if (is_gone(device))
        return -ENODEV;
    go_on(device);
    if ((int64_t)device->recorded - device->taken > (int64_t)io->buffer_size)
        return -EPIPE;
    return (int64_t)device->recorded % io->buffer_size;
}

static snd_pcm_sframes_t on_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                     snd_pcm_uframes_t offset, snd_pcm_uframes_t frames)
{
    struct device *device = io->private_data;
    if (is_gone(device))
        return -ENODEV;
    int16_t *out = (int16_t *)((char *)areas->addr + (areas->first + offset * areas->step) / 8);
    int silent = *device->command == 'z';
    for (snd_pcm_uframes_t frame = 0; frame < frames; frame++)
        out[frame] = silent ? 0 : device->sound[(device->taken + frame) % device->sound_frames];
    device->taken += frames;
    return frames;
}

static int on_events(snd_pcm_ioplug_t *io, struct pollfd *polled, unsigned count, unsigned short *events)
{
    struct device *device = io->private_data;
    uint64_t ticks;
    (void)polled;
    (void)count;
    if (is_gone(device)) {
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        *events = POLLERR;
        return 0;
    }
    if (read(device->timer, &ticks, sizeof ticks) < 0)
        ticks = 0;
    snd_pcm_sframes_t there = snd_pcm_avail_update(io->pcm);
    *events = there < 0 || there >= (snd_pcm_sframes_t)io->period_size ? POLLIN : 0;
    return 0;
}

static int on_close(snd_pcm_ioplug_t *io)
{
    struct device *device = io->private_data;
    close(device->timer);
    munmap((void *)device->sound, device->sound_frames * sizeof *device->sound);
    munmap((void *)device->command, 1);
    free(device);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = on_start,
    .stop = on_stop,
    .pointer = on_pointer,
    .transfer = on_transfer,
    .prepare = on_prepare,
    .poll_revents = on_events,
    .close = on_close,
};

static void *map(const char *path, size_t *bytes)
{
    struct stat found;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    void *mapped = fstat(file, &found) ? MAP_FAILED : mmap(NULL, found.st_size, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    *bytes = found.st_size;
    return mapped == MAP_FAILED ? NULL : mapped;
}

static int constrain(snd_pcm_ioplug_t *io)
{
    static const unsigned access[] = {SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED};
    static const unsigned format[] = {SND_PCM_FORMAT_S16_LE};
    int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access);
    if (!error)
        error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 1, 1);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, 16000, 16000);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 320, 32000);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
    return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(faulty)
{
    const char *sound = NULL, *command = NULL, *key;
    snd_config_iterator_t each, next;
    size_t sound_bytes = 0, command_bytes = 0;
    (void)root;

    snd_config_for_each(each, next, conf)
    {
        snd_config_t *entry = snd_config_iterator_entry(each);
        if (snd_config_get_id(entry, &key) < 0)
            continue;
        if (!strcmp(key, "sound"))
            snd_config_get_string(entry, &sound);
        else if (!strcmp(key, "command"))
            snd_config_get_string(entry, &command);
    }
    if (stream != SND_PCM_STREAM_CAPTURE || !sound || !command)
        return -EINVAL;
    struct device *device = calloc(1, sizeof *device);
    if (!device)
        return -ENOMEM;
    device->command = map(command, &command_bytes);
    device->sound = map(sound, &sound_bytes);
    device->sound_frames = sound_bytes / sizeof *device->sound;
    if (!device->command || !device->sound || is_gone(device)) {
        free(device);
        return -ENODEV;
    }
    device->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    device->io.version = SND_PCM_IOPLUG_VERSION;
    device->io.name = "faulty microphone";
    device->io.callback = &callbacks;
    device->io.private_data = device;
    device->io.poll_fd = device->timer;
    device->io.poll_events = POLLIN;
    int error = snd_pcm_ioplug_create(&device->io, name, stream, mode);
    if (!error)
        error = constrain(&device->io);
    if (!error)
        *pcmp = device->io.pcm;
    return error;
}

SND_PCM_PLUGIN_SYMBOL(faulty);
