import { prepare } from './environment.mjs';

prepare();
