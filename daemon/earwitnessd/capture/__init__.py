"""One child process for each stream: it owns the device, and nothing else knows PortAudio."""
