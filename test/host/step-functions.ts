/** Sources what every step may use, in the folder of the scripts. Errors are told once, while the file WORK/sound is there. */
export const STEP_FUNCTIONS = "for part in base packages linkmesh nginx; do source ./functions/$part.sh; done";
