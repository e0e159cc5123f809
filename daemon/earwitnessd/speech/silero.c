/* Silero's network: one stream's samples become probabilities of speech, a chunk at a time.

   What silero_network.py does with numpy, in the same order and with the same weights. Vectors are as wide as
   the CPU that this is compiled for has them. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 8 };
#elif defined(__AVX__)
enum { LANES = 8, ROWS = 4 };
#else
enum { LANES = 4, ROWS = 4 };
#endif
enum { PANEL = 2 * LANES, SPAN = 8 * LANES }; /* columns at once: of several rows, of one */

enum { CHUNK = 512, MARGIN = 64, FRAME = 256, HALF = FRAME / 2, STEP = 128, FRAMES = 4, BINS = HALF + 1 };
enum { WIDE = 128, NARROW = 64, CELLS = 128, GATES = 4 * CELLS };
enum { SEVERAL = 8 }; /* chunks at once: so much lies in the nearest caches */

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t integers __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* Everybody's: matrices have inputs as rows, and lie panel by panel. See `Layers` and `packed`. */
struct layers {
    float cosines[HALF * HALF], highest[HALF]; /* the highest frequency apart: it has no sine */
    float sines[HALF * HALF];
    float wide[3 * BINS * WIDE], wide_bias[WIDE];
    float half[3 * WIDE * NARROW], half_bias[NARROW];
    float single[2 * NARROW * NARROW], single_bias[NARROW];
    float last[NARROW * CELLS], last_bias[CELLS];
    float gates[CELLS * GATES], gates_bias[GATES];
    float memory[CELLS * GATES]; /* span by span */
    float output[CELLS], level;
};

/* One stream's: what is remembered, and the beginning of a chunk. */
struct stream {
    float hidden[CELLS], cell[CELLS], begun[CHUNK];
    int64_t samples; /* of that chunk */
};

static inline vector at(const float *numbers) { return *(const vector *)numbers; }
static inline void put(float *numbers, vector values) { *(vector *)numbers = values; }
static inline vector all(float number) { return number - (vector){0}; }

static inline vector either(integers which, vector yes, vector no)
{
    return (vector)(((integers)yes & which) | ((integers)no & ~which));
}

static inline vector larger(vector a, vector b) { return either(a > b, a, b); }
static inline vector smaller(vector a, vector b) { return either(a < b, a, b); }

static inline float sum(vector values)
{
    float found = 0.0f;
    for (int lane = 0; lane < LANES; ++lane)
        found += values[lane];
    return found;
}

/* e to the power of x, for x from -80 to 80, to within two units in the last place */
static inline vector exponential(vector x)
{
    const vector rounder = all(12582912.0f); /* adding it leaves the nearest integer in the lowest bits */
    vector doublings = x * 1.44269504f + rounder;
    const integers exponent = (integers)doublings << 23;
    doublings -= rounder;
    const vector rest = x - doublings * 0.693145752f - doublings * 1.42860677e-6f;
    vector series = rest * 1.38888889e-3f + 8.33333333e-3f;
    series = series * rest + 4.16666667e-2f;
    series = series * rest + 1.66666667e-1f;
    series = series * rest + 0.5f;
    series = series * rest + 1.0f;
    series = series * rest + 1.0f;
    return (vector)((integers)series + exponent);
}

/* of twice as much: the weights of the gates are halved */
static inline vector sigmoid(vector x)
{
    return 1.0f / (1.0f + exponential(smaller(larger(-2.0f * x, all(-80.0f)), all(80.0f))));
}

static inline vector tangent(vector x) { return 2.0f * sigmoid(x) - 1.0f; }

/* So many rows, which the compiler must know, by one panel. */
static inline __attribute__((always_inline)) void by_panel(const int rows, const float *const *row, int inputs,
                                                           const float *weights, const float *bias, int column,
                                                           float *const *outputs, int positive)
{
    vector left[ROWS], right[ROWS];
    for (int r = 0; r < rows; ++r) {
        left[r] = bias ? at(bias + column) : all(0.0f);
        right[r] = bias ? at(bias + column + LANES) : all(0.0f);
    }
    for (int k = 0; k < inputs; ++k, weights += PANEL) {
        const vector first = at(weights), second = at(weights + LANES);
        for (int r = 0; r < rows; ++r) {
            left[r] += row[r][k] * first;
            right[r] += row[r][k] * second;
        }
    }
    for (int r = 0; r < rows; ++r) {
        put(outputs[r] + column, positive ? larger(left[r], all(0.0f)) : left[r]);
        put(outputs[r] + column + LANES, positive ? larger(right[r], all(0.0f)) : right[r]);
    }
}

/* Rows of numbers: `each` of a chunk, `step` apart, chunks `stride` apart. */
struct rows {
    float *numbers;
    int stride, each, step;
};

static inline float *row_of(struct rows rows, int number)
{
    return rows.numbers + number / rows.each * rows.stride + number % rows.each * rows.step;
}

/* A matrix of which `inputs` rows count, after the first `skipped` of `height`: the others would meet silence. */
struct matrix {
    const float *weights, *bias;
    int height, skipped, inputs, width;
};

static void multiply(int chunks, struct rows in, struct matrix by, struct rows out, int positive)
{
    const int rows = chunks * in.each;
    for (int done = 0, now; done < rows; done += now) {
        const float *row[ROWS];
        float *to[ROWS];
        now = rows - done >= ROWS ? ROWS : rows - done >= 4 ? 4 : rows - done >= 2 ? 2 : 1;
        for (int r = 0; r < now; ++r) {
            row[r] = row_of(in, done + r);
            to[r] = row_of(out, done + r);
        }
        for (int column = 0; column < by.width; column += PANEL) {
            const float *panel = by.weights + column * by.height + by.skipped * PANEL;
            if (now == ROWS)
                by_panel(ROWS, row, by.inputs, panel, by.bias, column, to, positive);
            else if (now == 4)
                by_panel(4, row, by.inputs, panel, by.bias, column, to, positive);
            else if (now == 2)
                by_panel(2, row, by.inputs, panel, by.bias, column, to, positive);
            else
                by_panel(1, row, by.inputs, panel, by.bias, column, to, positive);
        }
    }
}

/* The frames of a chunk, mirrored at its ends; each frame's second half is laid backwards over its first. */
static void fold(const float *chunk, float *sums, float *differences)
{
    float samples[MARGIN + CHUNK + MARGIN];
    memcpy(samples + MARGIN, chunk, CHUNK * sizeof *chunk);
    for (int i = 0; i < MARGIN; ++i) {
        samples[i] = chunk[MARGIN - i];
        samples[MARGIN + CHUNK + i] = chunk[CHUNK - 2 - i];
    }
    for (int frame = 0; frame < FRAMES; ++frame, sums += HALF, differences += HALF) {
        const float *from = samples + frame * STEP;
        for (int i = 1; i < HALF; ++i) {
            sums[i - 1] = from[i] + from[FRAME - i];
            differences[i - 1] = from[i] - from[FRAME - i];
        }
        sums[HALF - 1] = from[HALF];
        differences[HALF - 1] = 0.0f;
    }
}

/* How loud each frequency is in each frame. */
static void spectra(const struct layers *layers, const float *chunks, int count, float *loud)
{
    float sums[SEVERAL * FRAMES * HALF], differences[SEVERAL * FRAMES * HALF];
    float real[SEVERAL * FRAMES * HALF], imaginary[SEVERAL * FRAMES * HALF];
    const int chunk = FRAMES * HALF;
    for (int i = 0; i < count; ++i)
        fold(chunks + i * CHUNK, sums + i * chunk, differences + i * chunk);
    multiply(count, (struct rows){sums, chunk, FRAMES, HALF},
             (struct matrix){layers->cosines, 0, HALF, 0, HALF, HALF}, (struct rows){real, chunk, FRAMES, HALF}, 0);
    multiply(count, (struct rows){differences, chunk, FRAMES, HALF},
             (struct matrix){layers->sines, 0, HALF, 0, HALF, HALF},
             (struct rows){imaginary, chunk, FRAMES, HALF}, 0);
    for (int i = 0; i < count * FRAMES; ++i, loud += BINS) {
        const float *a = real + i * HALF, *b = imaginary + i * HALF;
        vector highest = all(0.0f);
        for (int k = 0; k < HALF; ++k)
            loud[k] = sqrtf(a[k] * a[k] + b[k] * b[k]);
        for (int k = 0; k < HALF; k += LANES)
            highest += at(sums + i * HALF + k) * at(layers->highest + k);
        loud[HALF] = fabsf(sum(highest));
    }
}

/* What the memory takes in: everything before it knows one chunk at a time. Before a chunk's first frame and
   behind its last there is silence: what would be multiplied by it is left out. */
static void encode(const struct layers *layers, const float *chunks, int count, float *inputs)
{
    float loud[SEVERAL * FRAMES * BINS], wide[SEVERAL * FRAMES * WIDE];
    float half[SEVERAL * 2 * NARROW], single[SEVERAL * NARROW], last[SEVERAL * CELLS];
    struct matrix by = {layers->wide, layers->wide_bias, 3 * BINS, 0, 3 * BINS, WIDE};
    spectra(layers, chunks, count, loud);
    multiply(count, (struct rows){loud, FRAMES * BINS, 2, BINS}, by,
             (struct rows){wide + WIDE, FRAMES * WIDE, 2, WIDE}, 1);
    by.inputs = 2 * BINS;
    multiply(count, (struct rows){loud + 2 * BINS, FRAMES * BINS, 1, 0}, by,
             (struct rows){wide + 3 * WIDE, FRAMES * WIDE, 1, 0}, 1);
    by.skipped = BINS;
    multiply(count, (struct rows){loud, FRAMES * BINS, 1, 0}, by, (struct rows){wide, FRAMES * WIDE, 1, 0}, 1);

    by = (struct matrix){layers->half, layers->half_bias, 3 * WIDE, 0, 3 * WIDE, NARROW};
    multiply(count, (struct rows){wide + WIDE, FRAMES * WIDE, 1, 0}, by,
             (struct rows){half + NARROW, 2 * NARROW, 1, 0}, 1);
    by.skipped = WIDE;
    by.inputs = 2 * WIDE;
    multiply(count, (struct rows){wide, FRAMES * WIDE, 1, 0}, by, (struct rows){half, 2 * NARROW, 1, 0}, 1);

    by = (struct matrix){layers->single, layers->single_bias, 2 * NARROW, 0, 2 * NARROW, NARROW};
    multiply(count, (struct rows){half, 2 * NARROW, 1, 0}, by, (struct rows){single, NARROW, 1, 0}, 1);
    by = (struct matrix){layers->last, layers->last_bias, NARROW, 0, NARROW, CELLS};
    multiply(count, (struct rows){single, NARROW, 1, 0}, by, (struct rows){last, CELLS, 1, 0}, 1);
    by = (struct matrix){layers->gates, layers->gates_bias, CELLS, 0, CELLS, GATES};
    multiply(count, (struct rows){last, CELLS, 1, 0}, by, (struct rows){inputs, GATES, 1, 0}, 0);
}

/* One chunk: the gates are in, forget, out and cell, and hold what was taken in. */
static float remember(const struct layers *layers, float *gates, struct stream *stream)
{
    float *hidden = stream->hidden, *cell = stream->cell;
    const float *weights = layers->memory;
    for (int column = 0; column < GATES; column += SPAN) {
        vector sums[SPAN / LANES];
        for (int i = 0; i < SPAN / LANES; ++i)
            sums[i] = at(gates + column + i * LANES);
        for (int k = 0; k < CELLS; ++k, weights += SPAN)
            for (int i = 0; i < SPAN / LANES; ++i)
                sums[i] += hidden[k] * at(weights + i * LANES);
        for (int i = 0; i < SPAN / LANES; ++i)
            put(gates + column + i * LANES, sums[i]);
    }
    vector heard = all(0.0f);
    for (int i = 0; i < CELLS; i += LANES) {
        const vector let_in = sigmoid(at(gates + i)), kept = sigmoid(at(gates + CELLS + i));
        const vector let_out = sigmoid(at(gates + 2 * CELLS + i)), new = tangent(at(gates + 3 * CELLS + i));
        const vector now = at(cell + i) * kept + let_in * new;
        const vector said = let_out * tangent(now);
        put(cell + i, now);
        put(hidden + i, said);
        heard += larger(said, all(0.0f)) * at(layers->output + i);
    }
    return 1.0f / (1.0f + expf(-sum(heard) - layers->level));
}

static void forget(struct stream *stream)
{
    memset(stream->hidden, 0, sizeof stream->hidden);
    memset(stream->cell, 0, sizeof stream->cell);
}

/* Full scale at most, which is what the network knows; false if a sample is no number. */
static int usable(float *chunk)
{
    vector not_numbers = all(0.0f);
    for (int i = 0; i < CHUNK; i += LANES) {
        const vector samples = at(chunk + i);
        not_numbers += samples - samples;
        put(chunk + i, smaller(larger(samples, all(-1.0f)), all(1.0f)));
    }
    return sum(not_numbers) == 0.0f;
}

/* Completes chunks, as long as there are samples and room; how many. */
static int gather(struct stream *stream, const float **samples, int64_t *count, float *chunks)
{
    int complete = 0;
    while (complete < SEVERAL && stream->samples + *count >= CHUNK) {
        const int64_t wanted = CHUNK - stream->samples;
        memcpy(chunks, stream->begun, stream->samples * sizeof *chunks);
        memcpy(chunks + stream->samples, *samples, wanted * sizeof *chunks);
        *samples += wanted, *count -= wanted;
        stream->samples = 0;
        chunks += CHUNK, ++complete;
    }
    return complete;
}

/* A probability for each chunk that these samples complete; how many those are. The rest is kept. */
int64_t earwitness_hear(const struct layers *layers, struct stream *stream, const float *samples, int64_t count,
                        float *probabilities)
{
    float chunks[SEVERAL * CHUNK], inputs[SEVERAL * GATES];
    int64_t told = 0;
    for (int complete; (complete = gather(stream, &samples, &count, chunks)); told += complete) {
        int heard[SEVERAL];
        for (int i = 0; i < complete; ++i)
            heard[i] = usable(chunks + i * CHUNK);
        encode(layers, chunks, complete, inputs);
        for (int i = 0; i < complete; ++i) {
            if (!heard[i])
                forget(stream); /* what is no number would be remembered for ever */
            probabilities[told + i] = heard[i] ? remember(layers, inputs + i * GATES, stream) : 0.0f;
        }
    }
    memcpy(stream->begun + stream->samples, samples, count * sizeof *samples);
    stream->samples += count;
    return told;
}

/* For whoever lays out the layers: columns in a panel and in a span, and how many numbers there are. */
void earwitness_layout(int64_t *panel, int64_t *span, int64_t *numbers)
{
    *panel = PANEL;
    *span = SPAN;
    *numbers = sizeof(struct layers) / sizeof(float);
}
