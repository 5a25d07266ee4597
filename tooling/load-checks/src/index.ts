export { KILLED_SAVES, killAtEveryStep, saveUntilKilled } from './kill-at-every-step.ts';
export { RACING_SAVES, race } from './racing-saves.ts';
export { describeSurvivors, type Survivors, saveDuring } from './save-during.ts';
export { saveFromProcesses } from './save-from-processes.ts';
