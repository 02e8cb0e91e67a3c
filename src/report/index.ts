/** Reports: their shape and their renderings (text, JUnit, HTML). They read results and write text, nothing else. */
export * from './shape.js';
