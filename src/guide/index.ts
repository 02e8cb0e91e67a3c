/**
 * The traffic guide: what a topology means for somebody who must follow a picture from browser to screen. Texts from the
 * topology and the settings, nothing else: it reads no files, asks no service, and knows no service's code.
 */
export { GUIDE_FOLDER, MARKED_FILE, guideEngineOf, renderGuide } from './guide.js';
export { composeSubject, guideSubject, localSubject } from './subject.js';
export { SERVICE_ROUTES, type ServiceRoute } from './routes.js';
export { CLOSE_CODES } from './ends.js';
