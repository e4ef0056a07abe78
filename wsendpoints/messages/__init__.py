"""What a class takes and sends, compiled once with the class: frames to messages and back."""
