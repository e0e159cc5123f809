/* Products of rows and fixed weights: dense layers, and convolutions over rows. */

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tiles.h"

enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
enum { MOST_BYTES = 800 << 10 }; /* of inputs that stay in a core's second cache, beside the weights */

struct product {
  const bf16 *inputs;
  const bf16 *weights; /* as `earwitness_pack` wrote them */
  const float *bias;   /* for whole blocks of outputs */
  const float *added;  /* to the outputs, as they lie; may be missing */
  float *floats;       /* outputs: these, */
  bf16 *planes;        /* or these */
  int64_t items, rows; /* of outputs */
  int64_t columns;     /* blocks of 32 inputs, */
  int64_t taps;        /* of so many rows each */
  int64_t in_part, in_item, in_row, in_column, in_tap;
  /* numbers from one to the next */
  int64_t outputs;
  int64_t out_part, out_item, out_row, out_column;
  int64_t groups, in_group; /* products side by side */
  int64_t parts, out_parts;
  int64_t activation;
  int64_t threads;
};

/* A stretch of work: some blocks of rows, some blocks of outputs. */
struct share {
  int64_t group, first, last, begin, end;
};

/* A block of sums on its way to the outputs. */
struct done {
  const float *sums;
  int64_t item, row, output, group, rows, next;
};

/* Linux lets a process use tiles once it has asked. */
int earwitness_enable(void) { return (int)syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA); }

/* Rows of float32 into planes; columns that are missing from the last 32 become zero. */
void earwitness_split(const float *numbers, int64_t items, int64_t rows, int64_t columns, int64_t item_stride,
                      int64_t row_stride, bf16 *planes, int64_t parts, int64_t out_part, int64_t out_item,
                      int64_t out_row, int64_t out_column, int64_t threads) {
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads) if (threads > 1)
  for (int64_t item = 0; item < items; item++)
    for (int64_t column = 0; column < columns; column += BLOCK) {
      const float *from = numbers + item * item_stride + column;
      bf16 *to = planes + item * out_item + column / BLOCK * out_column;
      const __mmask16 mask = first_of(columns - column), mask2 = first_of(columns - column - TILE);
      for (int64_t row = 0; row < rows; row++, from += row_stride, to += out_row)
        split(_mm512_maskz_loadu_ps(mask, from), _mm512_maskz_loadu_ps(mask2, from + TILE), parts, to, out_part);
    }
}

static bf16 rounded(float number) { return (bf16)_mm_extract_epi16((__m128i)_mm_cvtneps_pbh(_mm_set1_ps(number)), 0); }

static float exactly(bf16 number) {
  const uint32_t bits = (uint32_t)number << 16;
  float same;
  memcpy(&same, &bits, sizeof same);
  return same;
}

/* A weight (outputs, inputs) into blocks of 32 by 32, inputs first, the parts of each block together. */
void earwitness_pack(const float *weight, int64_t outputs, int64_t inputs, int64_t parts, bf16 *packed) {
  for (int64_t block = 0; block < blocks_of(outputs); block++)
    for (int64_t column = 0; column < inputs; column += BLOCK, packed += parts * 2 * PACKED)
      for (int64_t number = 0; number < 2 * PACKED; number++) {
        const int64_t output = block * BLOCK + number / PACKED * TILE + number % BLOCK / 2;
        const int64_t input = column + number % PACKED / BLOCK * 2 + number % 2;
        float left = output < outputs ? weight[output * inputs + input] : 0.0f;
        for (int64_t part = 0; part < parts; part++) {
          packed[part * 2 * PACKED + number] = rounded(left);
          left -= exactly(packed[part * 2 * PACKED + number]);
        }
      }
}

/* The next rows of a block that is done; it is called while the tiles multiply. */
ALWAYS void finish(const struct product *p, struct done *done, int64_t count) {
  const int64_t last = least(done->next + count, done->rows);
  const int64_t output = done->output * BLOCK, left = p->outputs - output;
  const __mmask16 mask = first_of(left), mask2 = first_of(left - TILE);
  const float *bias = p->bias + done->group * blocks_of(p->outputs) * BLOCK + output;
  for (; done->next < last; done->next++) {
    const float *sums = row_of(done->sums, done->next);
    const int64_t row = done->item * p->out_item + (done->row + done->next) * p->out_row;
    __m512 first = activated(_mm512_add_ps(_mm512_load_ps(sums), _mm512_loadu_ps(bias)), p->activation);
    __m512 second = activated(_mm512_add_ps(_mm512_load_ps(sums + SQUARE), _mm512_loadu_ps(bias + TILE)), p->activation);
    if (p->planes) {
      split(first, second, p->out_parts, p->planes + row + done->output * p->out_column, p->out_part);
      continue;
    }
    const int64_t place = row + done->group * p->outputs + output;
    if (p->added) {
      first = _mm512_add_ps(first, _mm512_maskz_loadu_ps(mask, p->added + place));
      second = _mm512_add_ps(second, _mm512_maskz_loadu_ps(mask2, p->added + place + TILE));
    }
    _mm512_mask_storeu_ps(p->floats + place, mask, first);
    _mm512_mask_storeu_ps(p->floats + place + TILE, mask2, second);
  }
}

/* `deep` columns of all blocks of a share stay near while they are needed; `sums` has room for what is not
   complete then, or for two rows of blocks. The next weights are fetched ahead. */
ALWAYS void compute(const struct product *p, const struct share *share, int parts, int64_t deep, float *sums) {
  const int64_t in_item = blocks_of(p->rows), count = share->last - share->first;
  const int64_t column_weights = p->taps * parts * 2 * PACKED, output_weights = p->columns * column_weights;
  const bf16 *weights = p->weights + share->group * blocks_of(p->outputs) * output_weights;
  const int64_t lines = (parts * 2 * PACKED * (int64_t)sizeof(bf16) / 64 + count - 1) / count;
  const int partial = deep < p->columns;
  struct done done = {0};
  for (int64_t from = 0; from < p->columns; from += deep) {
    const int64_t to = least(from + deep, p->columns);
    const int64_t rows_a_step = (BLOCK + (to - from) * p->taps - 1) / ((to - from) * p->taps);
    for (int64_t output = share->begin; output < share->end; output++) {
      const bf16 *ours = weights + output * output_weights + from * column_weights;
      const char *ahead = (const char *)(ours + output_weights);
      for (int64_t block = share->first; block < share->last; block++) {
        const int64_t item = block / in_item, row = block % in_item * BLOCK;
        float *sum = sums + ((partial ? output - share->begin : output % 2) * count + block - share->first) * SUMS;
        if (from)
          load_sums(sum);
        else
          begin_sums();
        const bf16 *weight = ours, *inputs = p->inputs + share->group * p->in_group + item * p->in_item + row * p->in_row;
        for (int64_t column = from; column < to; column++)
          for (int64_t tap = 0; tap < p->taps; tap++, weight += parts * 2 * PACKED) {
            for (int64_t line = 0; line < lines; line++, ahead += 64) _mm_prefetch(ahead, _MM_HINT_T1);
            finish(p, &done, rows_a_step);
            multiply(inputs + column * p->in_column + tap * p->in_tap, p->in_row, p->in_part, weight, parts);
          }
        store_sums(sum);
        if (to == p->columns) {
          finish(p, &done, BLOCK);
          done = (struct done){sum, item, row, output, share->group, least(p->rows - row, BLOCK), 0};
        }
      }
    }
  }
  finish(p, &done, BLOCK);
}

/* One product; what is not zero is a lack of memory. */
int earwitness_product(const struct product *p) {
  const int64_t blocks = p->items * blocks_of(p->rows), outputs = blocks_of(p->outputs);
  if (!blocks) return 0;
  const int64_t column_bytes = BLOCK * least(p->taps * p->in_tap + BLOCK, p->in_row) * p->parts * (int64_t)sizeof(bf16);
  int64_t deep = p->columns;
  while (deep > 8 && deep * column_bytes * least(blocks, 5) > MOST_BYTES) deep = (deep + 1) / 2;
  const int64_t chunk = least(blocks, 1 + MOST_BYTES / (deep * column_bytes)), chunks = (blocks + chunk - 1) / chunk;
  /* more shares than threads, taken in turn: another program may hold one of them up */
  const int64_t shares = p->threads > 1 ? 4 * p->threads : 1;
  const int64_t slices = p->groups * chunks >= shares ? 1 : least(outputs, shares);
  const int64_t slice = (outputs + slices - 1) / slices;
  const int64_t room = (deep < p->columns ? slice : 2) * chunk * SUMS;
  int failed = 0;
#pragma omp parallel num_threads(p->threads) if (p->threads > 1)
  {
    float *sums = aligned_alloc(64, room * sizeof(float));
    if (sums) {
      begin_tiles();
#pragma omp for collapse(3) schedule(dynamic)
      for (int64_t group = 0; group < p->groups; group++)
        for (int64_t number = 0; number < chunks; number++)
          for (int64_t part = 0; part < slices; part++) {
            const struct share share = {group, number * chunk, least(blocks, (number + 1) * chunk), part * slice,
                                        least(outputs, (part + 1) * slice)};
            if (p->parts == 1)
              compute(p, &share, 1, deep, sums);
            else if (p->parts == 2)
              compute(p, &share, 2, deep, sums);
            else
              compute(p, &share, 3, deep, sums);
          }
      _tile_release();
      free(sums);
    } else {
#pragma omp atomic write
      failed = 1;
    }
  }
  return failed;
}

/* The first convolution of a window, whose weights are made for it: (taps and the bias, channels). */
void earwitness_first(const float *waves, int64_t items, int64_t rows, int64_t item_stride, int64_t row_stride,
                      const float *filters, int64_t taps, int64_t channels, bf16 *planes, int64_t parts,
                      int64_t out_part, int64_t out_item, int64_t out_row, int64_t out_column, int64_t activation,
                      int64_t threads) {
  enum { TOGETHER = 4 };
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads) if (threads > 1)
  for (int64_t item = 0; item < items; item++)
    for (int64_t channel = 0; channel < channels; channel += BLOCK) {
      const float *filter = filters + item * (taps + 1) * channels + channel;
      bf16 *to = planes + item * out_item + channel / BLOCK * out_column;
      for (int64_t row = 0; row < rows; row += TOGETHER) {
        const float *samples[TOGETHER];
        __m512 sums[TOGETHER][2];
        for (int64_t each = 0; each < TOGETHER; each++) {
          samples[each] = waves + item * item_stride + least(row + each, rows - 1) * row_stride;
          sums[each][0] = _mm512_loadu_ps(filter + taps * channels);
          sums[each][1] = _mm512_loadu_ps(filter + taps * channels + TILE);
        }
        for (int64_t tap = 0; tap < taps; tap++) {
          const __m512 first = _mm512_loadu_ps(filter + tap * channels);
          const __m512 second = _mm512_loadu_ps(filter + tap * channels + TILE);
          for (int64_t each = 0; each < TOGETHER; each++) {
            const __m512 sample = _mm512_set1_ps(samples[each][tap]);
            sums[each][0] = _mm512_fmadd_ps(sample, first, sums[each][0]);
            sums[each][1] = _mm512_fmadd_ps(sample, second, sums[each][1]);
          }
        }
        for (int64_t each = 0; each < least(TOGETHER, rows - row); each++)
          split(activated(sums[each][0], activation), activated(sums[each][1], activation), parts,
                to + (row + each) * out_row, out_part);
      }
    }
}
