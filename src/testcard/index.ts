/**
 * The test card: a picture that says which frame it is and when it was drawn, in cells that a program reads back from
 * the pixels. Pure: drawn by the runner, read by verify; no sockets, no clock.
 */
export {
  type Area,
  CARD_HEIGHT,
  CARD_SWATCHES,
  CARD_WIDTH,
  MOVING_AREAS,
  drawCard,
  drawStamp,
} from './draw.js';
export { readCard } from './read.js';
