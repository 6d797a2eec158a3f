"""Fine-tuned decoder LLMs as a spaCy component for named entities, flat and nested."""
