// Before anything is drawn, so that what only a script can do appears, and what stands in for it does not.
document.documentElement.classList.add("has-script");
