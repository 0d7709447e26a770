import './matchers';
